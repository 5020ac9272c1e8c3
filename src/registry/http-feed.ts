/** One GET of a feed: bounds on waiting, back-pressure, nothing followed. */
import { type IncomingMessage, request as plain } from "node:http";
import { type RequestOptions, request as secure } from "node:https";
import { createGunzip } from "node:zlib";
import { Fault } from "../runtime/fault.ts";

/** What a server is asked with. Key material is PEM. */
export interface FeedCredentials {
  readonly token?: string | undefined;
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
}

/** What to ask for and how long to wait. */
export interface FeedRequest extends FeedCredentials {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Longest silence, before the head of the answer and within it, milliseconds. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/** An answer whose body is still to come. */
export interface FeedReply {
  readonly status: number;
  /** A header, empty where there is none. */
  header(name: string): string;
  /** Rejects where the answer breaks off. Must be read to its end or left by `break`. */
  readonly body: AsyncIterable<Buffer>;
}

const unavailable = (message: string, cause?: unknown): Fault =>
  new Fault("source_unavailable", `the server ${message}`, cause === undefined ? {} : { cause });

async function* whole(reply: IncomingMessage): AsyncGenerator<Buffer> {
  const packed = reply.headers["content-encoding"] === "gzip";
  const stream = packed ? reply.pipe(createGunzip()) : reply;
  // A pipe does not hand on that its source broke off.
  reply.once("aborted", () => stream.destroy(unavailable("broke off in the midst of its answer")));
  try {
    for await (const chunk of stream) yield chunk as Buffer;
    if (!reply.complete) throw unavailable("broke off in the midst of its answer");
  } catch (thrown) {
    throw Fault.from(thrown, "source_unavailable", "the server broke off");
  } finally {
    reply.destroy();
  }
}

/** Asks. Rejects with `source_unavailable`. */
export function getFeed({ headers, signal, silenceMs, tls, token, url }: FeedRequest): Promise<FeedReply> {
  return new Promise((resolve, reject) => {
    const settings: RequestOptions = {
      headers: {
        accept: "application/x-ndjson",
        "accept-encoding": "gzip",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      agent: false,
      signal,
      ...tls,
    };
    const call = (url.protocol === "https:" ? secure : plain)(url, settings);
    call.setTimeout(silenceMs, () => call.destroy(unavailable(`was silent for ${silenceMs} ms`)));
    call.on("error", (error) =>
      reject(Fault.from(error, "source_unavailable", `the server at \`${url.origin}\` cannot be reached`)),
    );
    call.on("response", (reply) =>
      resolve({
        status: reply.statusCode ?? 0,
        header: (name) => String(reply.headers[name] ?? ""),
        body: whole(reply),
      }),
    );
    call.end();
  });
}
