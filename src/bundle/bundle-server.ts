/** A small bundle server: OPA's bundle API over a folder, with ETags and long polling. */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecure } from "node:https";
import { join } from "node:path";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";

/** Which folder is served, and to whom. */
export interface BundleServerOptions {
  readonly dir: string;
  readonly host: string;
  readonly port: number;
  /** Bearer token that callers must present. */
  readonly token?: string;
  /** PEM; `ca` makes client certificates mandatory. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer; readonly ca?: Buffer };
  readonly clock: Clock;
  /** How often a file is looked at while a question is held, milliseconds. Default 250. */
  readonly lookMs?: number;
}

/** A running server. */
export interface BundleServer extends AsyncDisposable {
  readonly address: string;
}

const served = /^(?:[\w-][\w.-]*\/)*[\w-][\w.-]*(?:\.tar\.gz|\.letters\.json)$/;
const longestWaitS = 300;
const holdsType = "application/vnd.openpolicyagent.bundles";

interface Found {
  readonly etag: string;
  readonly content: Buffer;
}

/** Serves `dir` until it is disposed of. Throws `address_unusable`. */
export async function serveBundles(options: BundleServerOptions): Promise<BundleServer> {
  const stop = new AbortController();
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(options, request, response, stop.signal).catch(() => response.destroy());
  };
  const { tls, host, port } = options;
  const server =
    tls === undefined
      ? createPlain(handle)
      : createSecure(
          { ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: tls.ca !== undefined },
          handle,
        );
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
  } catch (thrown) {
    throw Fault.from(thrown, "address_unusable", `cannot listen at \`${host}:${port}\``);
  }
  const bound = server.address();
  const shownHost = host.includes(":") ? `[${host}]` : host;
  return {
    address: `${shownHost}:${typeof bound === "object" && bound !== null ? bound.port : port}`,
    async [Symbol.asyncDispose]() {
      stop.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  options: BundleServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  stopped: AbortSignal,
): Promise<void> {
  const say = (status: number, headers: Record<string, string> = {}, body: string | Buffer = ""): void => {
    response.writeHead(status, headers).end(request.method === "HEAD" ? undefined : body);
  };
  if (request.method !== "GET" && request.method !== "HEAD") return say(405, { allow: "GET, HEAD" });
  if (options.token !== undefined && !presents(request, options.token)) {
    return say(401, { "www-authenticate": "Bearer" });
  }
  const path = new URL(request.url ?? "/", "http://server").pathname.slice(1);
  if (!served.test(path) || path.includes("..")) return say(404);
  const file = join(options.dir, path);
  const known = request.headers["if-none-match"];
  const waitS = Math.min(
    Number(/\bwait=(\d{1,4})\b/.exec(String(request.headers["prefer"]))?.[1] ?? 0),
    longestWaitS,
  );
  const type = { "content-type": waitS > 0 ? holdsType : "application/gzip" };
  // Looked at before it is read: what changes in between is news at the next look.
  let seen = await state(file);
  let found = await read(file);
  const until = options.clock.monotonicMs() + waitS * 1000;
  while (found?.etag === known && known !== undefined && options.clock.monotonicMs() < until) {
    if (stopped.aborted || response.destroyed) return undefined;
    await new Promise((resolve) => setTimeout(resolve, options.lookMs ?? 250));
    const now = await state(file);
    if (now !== seen) found = await read(file);
    seen = now;
  }
  if (found === undefined) return say(404);
  if (found.etag === known) return say(304, { etag: found.etag, ...type });
  return say(
    200,
    { etag: found.etag, ...type, "content-length": String(found.content.length) },
    found.content,
  );
}

function presents(request: IncomingMessage, token: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(request.headers.authorization ?? ""), digest(`Bearer ${token}`));
}

async function read(file: string): Promise<Found | undefined> {
  try {
    const content = await readFile(file);
    return { etag: `"${createHash("sha256").update(content).digest("hex")}"`, content };
  } catch {
    return undefined;
  }
}

async function state(file: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return "missing";
  }
}
