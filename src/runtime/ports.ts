/** Ports as values: what a part hands to the program that mounts it. */
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Peer } from "../decision/identity.ts";

/** A gRPC service ready to be mounted. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** A request to an HTTP route. Header names are lower case. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The configuration entry of the caller, where one matched. */
  readonly peer: Peer | undefined;
}

/** An HTTP answer. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** An HTTP route ready to be mounted. `open` routes need no peer entry (health). */
export interface HttpRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly open: boolean;
  handle(request: HttpRequest): HttpResponse | Promise<HttpResponse>;
}

/** A counter or gauge, read when somebody collects. Labels never hold identifiers. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  read(): readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}
