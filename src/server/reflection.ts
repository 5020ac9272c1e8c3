/** grpc.reflection, v1 and v1alpha: what the API looks like, read from its descriptors when somebody first asks. */
import type { ServerDuplexStream } from "@grpc/grpc-js";
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService,
} from "../gen/grpc/reflection/v1/reflection.ts";
import { Fault } from "../runtime/fault.ts";
import type { GrpcService } from "../runtime/ports.ts";
import type { Descriptors } from "./descriptors.ts";
import { toGrpcStatus } from "./status.ts";

type Call = ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>;
type Answer = NonNullable<ServerReflectionResponse["message_response"]>;

const notFoundCode = 5;
const unknown = (what: string): Answer => ({
  $case: "error_response",
  value: { error_code: notFoundCode, error_message: `${what} is not part of this API` },
});

/** Reflection of one server. */
export class Reflection {
  readonly #file: string;
  readonly #names: readonly string[];
  readonly #calls = new Set<Call>();
  #descriptors: Promise<Descriptors> | undefined;

  /**
   * @param file set of serialised descriptors, as `buf build` writes it
   * @param names full names of the services that the server has
   */
  constructor(file: string, names: readonly string[]) {
    this.#file = file;
    this.#names = names;
  }

  /** Both versions: they have the same messages. */
  get services(): readonly GrpcService[] {
    const { serverReflectionInfo: method } = ServerReflectionService;
    const implementation = { serverReflectionInfo: (call: Call) => this.#serve(call) };
    const alpha = { ...method, path: method.path.replace(".v1.", ".v1alpha.") };
    return [
      { definition: ServerReflectionService, implementation },
      { definition: { serverReflectionInfo: alpha }, implementation },
    ];
  }

  /** Ends the streams that are open. */
  end(): void {
    const stopping = toGrpcStatus(new Fault("unreachable", "the service is stopping"));
    for (const call of this.#calls) call.emit("error", stopping);
  }

  #serve(call: Call): void {
    this.#calls.add(call);
    const forget = (): boolean => this.#calls.delete(call);
    call.once("close", forget);
    call.once("cancelled", forget);
    let answering = Promise.resolve();
    call.on("data", (request: ServerReflectionRequest) => {
      // One at a time: who asks faster than it reads waits.
      call.pause();
      answering = this.#answer(call, request).then(
        () => void call.resume(),
        (thrown: unknown) =>
          void call.emit("error", toGrpcStatus(Fault.from(thrown, "internal", "cannot describe the API"))),
      );
    });
    call.once("end", () => void answering.then(() => call.end()));
  }

  async #answer(call: Call, request: ServerReflectionRequest): Promise<void> {
    this.#descriptors ??= import("./descriptors.ts").then(({ readDescriptors }) =>
      readDescriptors(this.#file),
    );
    const message_response = this.#find(await this.#descriptors, request.message_request);
    call.write({ valid_host: request.host, original_request: request, message_response });
  }

  #find(descriptors: Descriptors, asked: ServerReflectionRequest["message_request"]): Answer {
    const files = (found: readonly Uint8Array[] | undefined, what: string): Answer =>
      found === undefined
        ? unknown(what)
        : {
            $case: "file_descriptor_response",
            value: { file_descriptor_proto: found.map((each) => Buffer.from(each)) },
          };
    switch (asked?.$case) {
      case "list_services":
        return { $case: "list_services_response", value: { service: this.#names.map((name) => ({ name })) } };
      case "file_by_filename":
        return files(descriptors.file(asked.value), `file \`${asked.value}\``);
      case "file_containing_symbol":
        return files(descriptors.fileOf(asked.value), `\`${asked.value}\``);
      // proto3 has no extensions, but for options.
      case "all_extension_numbers_of_type":
        return descriptors.fileOf(asked.value) === undefined
          ? unknown(`\`${asked.value}\``)
          : {
              $case: "all_extension_numbers_response",
              value: { base_type_name: asked.value, extension_number: [] },
            };
      default:
        return unknown("what was asked for");
    }
  }
}
