/** grpc.health.v1: whether a server and each of its services answer. */
import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from "@grpc/grpc-js";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthListRequest,
  type HealthListResponse,
  HealthService,
  HealthCheckResponse_ServingStatus as Status,
} from "../gen/grpc/health/v1/health.ts";
import { Fault } from "../runtime/fault.ts";
import type { GrpcService } from "../runtime/ports.ts";
import { toGrpcStatus } from "./status.ts";

type Watch = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

/** What health says of one server. NOT_SERVING at first. */
export class Health {
  readonly #names: ReadonlySet<string>;
  readonly #watches = new Set<Watch>();
  #status: Status = Status.NOT_SERVING;

  /** @param names full names of the services that are told of, besides the server itself (empty name) */
  constructor(names: readonly string[]) {
    this.#names = new Set(["", ...names]);
  }

  /** Of the server and all its services; who watches is told of a change. */
  setServing(serving: boolean): void {
    const status = serving ? Status.SERVING : Status.NOT_SERVING;
    if (status === this.#status) return;
    this.#status = status;
    for (const watch of this.#watches) if (this.#names.has(watch.request.service)) watch.write({ status });
  }

  /** The service, to be mounted. */
  get service(): GrpcService {
    return {
      definition: HealthService,
      implementation: {
        check: (
          { request: { service } }: ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>,
          answer: sendUnaryData<HealthCheckResponse>,
        ) => {
          if (this.#names.has(service)) answer(null, { status: this.#status });
          else answer(toGrpcStatus(new Fault("not_found", "there is no such service here")));
        },
        list: (
          _: ServerUnaryCall<HealthListRequest, HealthListResponse>,
          answer: sendUnaryData<HealthListResponse>,
        ) => {
          const statuses = [...this.#names].map((name) => [name, { status: this.#status }]);
          answer(null, { statuses: Object.fromEntries(statuses) as HealthListResponse["statuses"] });
        },
        watch: (call: Watch) => {
          this.#watches.add(call);
          const forget = (): boolean => this.#watches.delete(call);
          call.once("close", forget);
          call.once("cancelled", forget);
          call.write({
            status: this.#names.has(call.request.service) ? this.#status : Status.SERVICE_UNKNOWN,
          });
        },
      },
    };
  }

  /** Ends who watches: they never hang up, and would hold up a stop. */
  end(): void {
    const stopping = toGrpcStatus(new Fault("unreachable", "the service is stopping"));
    for (const watch of this.#watches) watch.emit("error", stopping);
  }
}
