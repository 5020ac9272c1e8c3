/** The services that every gRPC server has: health (grpc.health.v1) and reflection (v1 and v1alpha). */
import type { Server, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { HealthImplementation, protoPath } from "grpc-health-check";
import { Fault } from "../runtime/fault.ts";
import { withMapEntries } from "./map-entries.ts";
import { toGrpcStatus } from "./status.ts";

/** Proto files that reflection describes: paths below `root`. */
export interface ProtoFiles {
  readonly root: string;
  readonly files: readonly string[];
}

interface Stream {
  emit(event: "error", error: unknown): void;
  once(event: "close" | "cancelled", listener: () => void): void;
}

/** Health and reflection of one server. Open to whoever can connect. */
export class Housekeeping {
  readonly #health: HealthImplementation;
  readonly #names: readonly string[];
  readonly #streams = new Set<Stream>();

  /** @param names full names of the services whose health is told, besides the server's own (empty name). */
  constructor(server: Server, names: readonly string[], protos: ProtoFiles | undefined) {
    this.#names = ["", ...names];
    this.#health = new HealthImplementation();
    this.setServing(false);
    const target = {
      addService: (definition: unknown, implementation: unknown) =>
        this.#add(server, definition, implementation),
    };
    this.#health.addToServer(target);
    if (protos !== undefined) reflectionOf(protos).addToServer(target);
  }

  /** What health says of the server and each of its services. */
  setServing(serving: boolean): void {
    for (const name of this.#names) this.#health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
  }

  /** Ends the open streams, which would otherwise hold up a stop: watchers of health never hang up. */
  end(): void {
    const stopping = toGrpcStatus(new Fault("unreachable", "the service is stopping"));
    for (const stream of this.#streams) stream.emit("error", stopping);
  }

  #add(server: Server, definition: unknown, implementation: unknown): void {
    const methods = definition as ServiceDefinition;
    const handlers = { ...(implementation as UntypedServiceImplementation) };
    for (const [name, method] of Object.entries(methods)) {
      const key = handlers[name] === undefined ? (method.originalName ?? name) : name;
      const handle = handlers[key] as unknown as ((call: Stream) => void) | undefined;
      if (handle === undefined || !method.responseStream) continue;
      const tracked = (call: Stream): void => {
        this.#streams.add(call);
        const forget = (): boolean => this.#streams.delete(call);
        call.once("close", forget);
        call.once("cancelled", forget);
        handle(call);
      };
      handlers[key] = tracked as unknown as UntypedServiceImplementation[string];
    }
    server.addService(methods, handlers);
  }
}

function reflectionOf({ root, files }: ProtoFiles): ReflectionService {
  try {
    const options = { includeDirs: [root], keepCase: true, longs: String, enums: String };
    const described = { ...loadSync([...files], options), ...loadSync(protoPath, options) };
    const mended = new Map<Buffer, Buffer>();
    const mend = (file: Buffer): Buffer => {
      const known = mended.get(file) ?? Buffer.from(withMapEntries(file));
      mended.set(file, known);
      return known;
    };
    for (const entry of Object.values(described)) {
      if (Array.isArray(entry.fileDescriptorProtos))
        entry.fileDescriptorProtos = entry.fileDescriptorProtos.map(mend);
    }
    return new ReflectionService(described);
  } catch (thrown) {
    throw Fault.from(thrown, "internal", `cannot read the API description in \`${root}\``);
  }
}
