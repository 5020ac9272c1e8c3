/** Ports as values: what a part hands to the program that mounts it. */
import type { ServiceDefinition } from "@grpc/grpc-js";
import type { Peer } from "../decision/identity.ts";

/** A unary handler of a request and the peer that sent it. Throws or rejects with faults. */
export interface UnaryMethod<Request, Response> {
  unary(request: Request, peer: Peer): Response | Promise<Response>;
}

/** A gRPC service ready to be mounted: its methods by the names of its definition. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  // biome-ignore lint/suspicious/noExplicitAny: each method has its own messages; the definition says which
  readonly methods: Readonly<Record<string, UnaryMethod<any, any>>>;
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
