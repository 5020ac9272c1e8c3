/** One GET with bounds on time and size, and nothing followed. */
import { type IncomingMessage, request as plain } from "node:http";
import { type RequestOptions, request as secure } from "node:https";
import { Fault } from "../runtime/fault.ts";

/** Key material of a client, PEM. */
export interface ClientTls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

/** What to ask for and how long to wait. */
export interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: ClientTls | undefined;
  /** Longest wait for the head of the answer, and from there for all of it, milliseconds. */
  readonly headMs: number;
  readonly bodyMs: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** An answer, its body whole. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

const unreachable = (message: string, cause?: unknown): Fault =>
  new Fault("bundle_unreachable", `the bundle server ${message}`, cause === undefined ? {} : { cause });

/** Asks. Rejects with `bundle_unreachable`, or `bundle_invalid` for a body that is too large. */
export function httpGet(url: URL, options: GetOptions): Promise<Reply> {
  const { headers, tls, headMs, bodyMs, maxBytes, signal } = options;
  return new Promise<Reply>((resolve, reject) => {
    let timer: NodeJS.Timeout;
    const fail = (fault: unknown): void => {
      clearTimeout(timer);
      call.destroy();
      reject(Fault.from(fault, "bundle_unreachable", "the bundle server cannot be reached"));
    };
    const within = (ms: number, what: string): void => {
      clearTimeout(timer);
      timer = setTimeout(() => fail(unreachable(`did not ${what} within ${ms} ms`)), ms);
      timer.unref();
    };
    const settings: RequestOptions = { headers: { ...headers }, agent: false, signal, ...tls };
    const call = (url.protocol === "https:" ? secure : plain)(url, settings);
    within(headMs, "answer");
    call.on("error", fail);
    call.on("response", (reply) => {
      within(bodyMs, "send its whole answer");
      const parts: Buffer[] = [];
      let size = 0;
      reply.on("data", (part: Buffer) => {
        size += part.length;
        if (size <= maxBytes) parts.push(part);
        else
          fail(
            new Fault("bundle_invalid", `the bundle server sends more than the ${maxBytes} bytes allowed`),
          );
      });
      reply.on("error", (error) => fail(unreachable("broke off in the middle of its answer", error)));
      reply.on("end", () => {
        clearTimeout(timer);
        if (reply.complete)
          resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(parts) });
        else fail(unreachable("broke off in the middle of its answer"));
      });
    });
    call.end();
  });
}
