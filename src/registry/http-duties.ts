/** Duties told to the server that records come from: a merge patch of each record, only while it is as it was read. */
import { request as plain } from "node:http";
import { request as secure } from "node:https";
import { Fault } from "../runtime/fault.ts";
import { dutyOf, type Told, toPatch } from "./duty.ts";
import type { FeedCredentials } from "./http-feed.ts";
import type { Marks } from "./with-duties.ts";

/** Parts of {@link httpDuties}. */
export interface HttpDutiesOptions {
  /** Address of one record, `{id}` in it is the device's id. */
  readonly url: string;
  readonly marks: Marks;
  /** Longest silence of the server, milliseconds. */
  readonly silenceMs: number;
  readonly credentials: () => Promise<FeedCredentials>;
}

interface Reply {
  readonly status: number;
  readonly etag: string;
  readonly body: string;
}

const maxBytes = 1 << 20;
/** How often a record that changes in between is read again at once. */
const mostRaces = 8;

/**
 * Returns what tells the server of one device: `GET` for the record and its `ETag`, `PATCH` with `If-Match`. Where the
 * record says so already nothing is sent; where it is gone nothing is left to say. Rejects with `unreachable` where the
 * server fails, with `source_unavailable` where it refuses this one.
 */
export function httpDuties(
  options: HttpDutiesOptions,
): (device: string, signal: AbortSignal) => Promise<void> {
  const { marks, url } = options;
  return async (device, signal) => {
    const at = new URL(url.replace("{id}", () => encodeURIComponent(device)));
    for (let race = 0; race < mostRaces; race++) {
      const known = await call(options, at, "GET", signal);
      if (known.status === 404 || known.status === 410) return;
      if (known.status !== 200) throw refused(known.status, "GET");
      const duty = dutyOf(device, recordIn(known.body), marks);
      if (duty === undefined) return;
      if (known.etag === "")
        throw new Fault(
          "source_unavailable",
          "the server gives a record without an `ETag`: it could be overwritten",
        );
      const said = await call(options, at, "PATCH", signal, JSON.stringify(toPatch(duty)), known.etag);
      if (said.status >= 200 && said.status < 300) return;
      if (said.status === 404 || said.status === 410) return;
      // Somebody else was faster: what they wrote counts.
      if (said.status !== 412 && said.status !== 409) throw refused(said.status, "PATCH");
    }
    throw new Fault("source_unavailable", "the record changes each time before it can be written");
  };
}

function recordIn(body: string): Told {
  try {
    const value = JSON.parse(body) as unknown;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Told;
  } catch {
    // Told below.
  }
  throw new Fault("source_unavailable", "the server gives a record that is no JSON object");
}

function refused(status: number, method: string): Fault {
  const message = `the server answers a ${method} of a record with HTTP status ${status}`;
  return new Fault(status === 429 || status >= 500 ? "unreachable" : "source_unavailable", message);
}

async function call(
  { credentials, silenceMs }: HttpDutiesOptions,
  url: URL,
  method: "GET" | "PATCH",
  signal: AbortSignal,
  body = "",
  etag = "",
): Promise<Reply> {
  const { tls, token } = await credentials();
  const headers = {
    accept: "application/json",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(method === "GET" ? {} : { "content-type": "application/merge-patch+json", "if-match": etag }),
  };
  const unreachable = (cause: unknown): Fault =>
    Fault.from(cause, "unreachable", `the server at \`${url.origin}\` cannot be told`);
  return new Promise((resolve, reject) => {
    const open = url.protocol === "https:" ? secure : plain;
    const outgoing = open(url, { method, headers, agent: false, signal, ...tls }, (reply) => {
      const parts: Buffer[] = [];
      let size = 0;
      reply.on("data", (part: Buffer) => {
        size += part.length;
        if (size > maxBytes) outgoing.destroy(new Error("its answer is longer than 1 MiB"));
        else parts.push(part);
      });
      reply.on("error", (error) => reject(unreachable(error)));
      reply.on("end", () =>
        resolve({
          status: reply.statusCode ?? 0,
          etag: reply.headers.etag ?? "",
          body: Buffer.concat(parts).toString("utf8"),
        }),
      );
    });
    outgoing.setTimeout(silenceMs, () => outgoing.destroy(new Error(`it was silent for ${silenceMs} ms`)));
    outgoing.on("error", (error) => reject(unreachable(error)));
    outgoing.end(body);
  });
}
