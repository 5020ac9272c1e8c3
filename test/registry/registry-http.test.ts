import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { FeedCredentials } from "../../src/registry/http-feed.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { RegistryHttp } from "../../src/registry/registry-http.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { makeAuthority } from "../certificates.ts";
import { device, entry, ndjson, now } from "./records.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const closing: (() => PromiseLike<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A real server that answers as `answer` says now; what it was asked is kept. */
async function listen(
  first: Answer,
  tls?: { readonly cert: string; readonly key: string; readonly ca: string },
) {
  const served = { answer: first, asked: [] as IncomingMessage[], url: "" };
  const handle: Answer = (request, response) => {
    served.asked.push(request);
    served.answer(request, response);
  };
  const server: Server =
    tls === undefined
      ? createServer(handle)
      : createSecureServer({ ...tls, requestCert: true, rejectUnauthorized: true }, handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  served.url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}/fleet`;
  return served;
}

async function follow(
  url: string,
  over: {
    credentials?: FeedCredentials;
    tenants?: string[];
    pollMs?: number;
    backoffMs?: number;
    random?: () => number;
  } = {},
) {
  const clock = new ManualClock(now);
  const registry = await openRegistry({ memory: true, clock });
  closing.push(() => registry[Symbol.asyncDispose]());
  const { backoffMs = 40, credentials = {}, pollMs = 20, random = () => 0.5, tenants } = over;
  const source = new RegistryHttp(registry, {
    name: "http:cmdb",
    url: new URL(url),
    clock,
    validate: createRecordValidator(),
    pollMs,
    backoffMs,
    silenceMs: 300,
    maxLostShare: 0.5,
    random,
    credentials: async () => credentials,
    ...(tenants === undefined ? {} : { tenants }),
  });
  source.start();
  closing.push(() => source[Symbol.asyncDispose]());
  return { clock, registry };
}

const send = (
  response: ServerResponse,
  body: string,
  headers: Record<string, string> = {},
  status = 200,
): void => {
  response.writeHead(status, { "content-type": "application/x-ndjson", ...headers }).end(body);
};
const fleet = (...ids: readonly string[]): string => ndjson(ids.map((id) => entry.device(id)));
const inForce = (registry: Registry) =>
  registry.deviceIdsAfter(undefined, 99).filter((id) => registry.device(id) !== undefined);
const has = (registry: Registry, ...ids: readonly string[]) =>
  vi.waitFor(() => expect(inForce(registry)).toEqual(ids), { timeout: 5000 });
const at = (revision: number, more: Record<string, string> = {}) => ({
  "sallyport-epoch": "e1",
  "sallyport-revision": String(revision),
  ...more,
});
const delta = (revision: number, id: string, lifecycle: string): string =>
  `${JSON.stringify({ ...entry.device(id, { state: { ...device(id).state, lifecycle: lifecycle as "active" } }), revision, prev: revision - 1 })}\n`;
const fault = (registry: Registry): string => registry.status().sources[0]?.fault?.message ?? "";

describe("a server as the source of records", () => {
  it("that only has a file: is asked by ETag, each answer a sign of life", async () => {
    const server = await listen((request, response) => {
      if (request.headers["if-none-match"] === '"1"') response.writeHead(304).end();
      else send(response, fleet("a", "b"), { etag: '"1"' });
    });
    const { clock, registry } = await follow(server.url);
    await has(registry, "a", "b");
    await vi.waitFor(() => expect(server.asked.length).toBeGreaterThan(2));
    clock.advance(50);
    await vi.waitFor(() => expect(registry.freshness().ageS).toBe(0));
    expect(registry.status().sources[0]?.counters?.snapshots).toBe(1);
    server.answer = (_request, response) => send(response, fleet("b", "c"), { etag: '"2"' });
    await has(registry, "b", "c");
  });

  it("that counts its changes: is asked since the last, and again for all of them when that is too long ago", async () => {
    const server = await listen((_request, response) => send(response, fleet("a", "b"), at(100)));
    server.answer = (request, response) => {
      const { searchParams } = new URL(request.url ?? "", server.url);
      const since = Number(searchParams.get("since") ?? -1);
      if (since === -1) send(response, fleet("a", "b"), at(100));
      else if (since === 100)
        send(
          response,
          `${delta(101, "a", "quarantined")}{"kind":"delete","key":"device:b","revision":102,"prev":101}\n`,
          at(102),
        );
      else if (since === 102) response.writeHead(204).end();
      else response.writeHead(410).end();
    };
    const { clock, registry } = await follow(server.url);
    await has(registry, "a");
    expect(registry.device("a")?.record?.state.lifecycle).toBe("quarantined");
    expect(registry.status().sources[0]?.position).toEqual({ epoch: "e1", revision: 102 });
    clock.advance(30);
    await vi.waitFor(() => expect(registry.freshness().ageS).toBe(0));
    server.answer = (request, response) => {
      if (request.url?.includes("since") === true) response.writeHead(410).end();
      else send(response, fleet("c"), at(500));
    };
    await has(registry, "c");
    expect(registry.status().sources[0]?.position?.revision).toBe(500);
  });

  it("that has lost changes: says what is missing, ages, and is not believed to be fresh", async () => {
    const server = await listen((request, response) =>
      request.url?.includes("since") === true
        ? send(response, delta(103, "a", "quarantined"), at(103))
        : send(response, fleet("a"), at(100)),
    );
    const { clock, registry } = await follow(server.url);
    await vi.waitFor(() => expect(fault(registry)).toContain("the changes after 100 up to 102 are missing"));
    clock.advance(90);
    await sleep(60);
    expect(registry.freshness().ageS).toBe(90);
    expect(registry.device("a")?.record?.state.lifecycle).toBe("active");
  });

  it.each([
    ["no revision", {}],
    ["a revision that numbers cannot tell apart", { revision: 2 ** 53 + 2 }],
    ["a revision in words", { revision: "2" }],
  ])(
    "that sends a change with %s is not believed to be fresh: it would be lost in silence",
    async (_what, place) => {
      const change = {
        ...entry.device("a", { state: { ...device("a").state, lifecycle: "quarantined" } }),
        ...place,
      };
      const server = await listen((request, response) =>
        (request.url ?? "").includes("since")
          ? send(response, `${JSON.stringify(change)}\n`, at(2))
          : send(response, fleet("a", "b"), at(1)),
      );
      const { clock, registry } = await follow(server.url);
      await has(registry, "a", "b");
      await vi.waitFor(() => expect(fault(registry)).toContain("no position that orders it"), {
        timeout: 5000,
      });
      clock.advance(30);
      await sleep(100);
      expect(registry.freshness().ageS).toBe(30);
      expect(registry.status().sources[0]?.position?.revision).toBe(1);
    },
  );

  it("that goes back in one epoch: is stale until it has caught up, and is then asked for all of it", async () => {
    let state = { revision: 5, ids: ["a", "b"] };
    const server = await listen((request, response) =>
      (request.url ?? "").includes("since")
        ? send(response, "", at(state.revision))
        : send(response, fleet(...state.ids), { ...at(state.revision), etag: '"same"' }),
    );
    const { clock, registry } = await follow(server.url);
    await has(registry, "a", "b");
    // It was put back, and has lost what led to 5.
    state = { revision: 3, ids: ["a"] };
    await vi.waitFor(() => expect(fault(registry)).toContain("older than what is in force, 5"), {
      timeout: 5000,
    });
    clock.advance(30);
    expect([inForce(registry), registry.freshness().ageS]).toEqual([["a", "b"], 30]);
    // Its own way to 5 is another one: no change since tells of it.
    state = { revision: 5, ids: ["a", "c"] };
    await has(registry, "a", "c");
    await vi.waitFor(() => expect([fault(registry), registry.freshness().ageS]).toEqual(["", 0]));
  });

  it("is asked again less and less often while it fails, and as before when it is well", async () => {
    const server = await listen((_request, response) => void response.writeHead(503).end());
    const { registry } = await follow(server.url, { random: () => 0.999, backoffMs: 10_000 });
    await vi.waitFor(() => expect(fault(registry)).toContain("503"));
    await sleep(1500);
    // 40, 80, 160, 320, 640 ms: without growth there were dozens.
    expect(server.asked.length).toBeLessThan(9);
    server.answer = (_request, response) => send(response, fleet("a"));
    await has(registry, "a");
    const before = server.asked.length;
    await vi.waitFor(() => expect(server.asked.length).toBeGreaterThan(before + 5), { timeout: 5000 });
  });

  it("of another epoch: nothing but a snapshot counts", async () => {
    const server = await listen((_request, response) => send(response, fleet("a"), at(100)));
    const { registry } = await follow(server.url);
    await has(registry, "a");
    server.answer = (_request, response) =>
      send(response, fleet("z"), { "sallyport-epoch": "e2", "sallyport-revision": "1" });
    await has(registry, "z");
    expect(registry.status().sources[0]?.position).toEqual({ epoch: "e2", revision: 1 });
  });

  it("with pages: follows them, and takes none where they are not of one state", async () => {
    const page = (body: string, next: string | undefined, revision: number) => (response: ServerResponse) =>
      send(response, body, at(revision, next === undefined ? {} : { link: `<${next}>; rel="next"` }));
    let second = page(fleet("c"), undefined, 8);
    const server = await listen((request, response) =>
      request.url?.includes("page=2") === true
        ? second(response)
        : page(fleet("a", "b"), "/fleet?page=2", 7)(response),
    );
    const { registry } = await follow(server.url);
    await vi.waitFor(() => expect(fault(registry)).toContain("changed between two pages"));
    expect(registry.freshness().synced).toBe(false);
    second = page(fleet("c"), undefined, 7);
    await has(registry, "a", "b", "c");
  });

  it("that sends us elsewhere is not followed: it would be given our token", async () => {
    const thief = await listen((_request, response) => send(response, fleet("x"), at(1)));
    const server = await listen((_request, response) =>
      send(response, fleet("a"), at(1, { link: `<${thief.url}>; rel="next"` })),
    );
    const { registry } = await follow(server.url, { credentials: { token: "s3cret" } });
    await vi.waitFor(() => expect(fault(registry)).toContain("another origin"));
    expect(server.asked[0]?.headers.authorization).toBe("Bearer s3cret");
    expect(thief.asked).toEqual([]);
    expect(fault(registry)).not.toContain("s3cret");
  });

  it.each<[string, Answer, string]>([
    ["answers with an error", (_, response) => void response.writeHead(503).end(), "HTTP status 503"],
    ["is silent", () => {}, "was silent for 300 ms"],
    [
      "breaks off",
      (_, response) => {
        response.writeHead(200, { "content-length": "100000" });
        response.write(fleet("a"));
        setTimeout(() => response.destroy(), 20);
      },
      "broke off",
    ],
    [
      "sends no feed",
      (_, response) => send(response, "<html>sign in</html>"),
      "line 1 of the answer is not JSON",
    ],
    [
      "names an epoch alone",
      (_, response) => send(response, fleet("a"), { "sallyport-epoch": "e1" }),
      "no `Sallyport-Revision`",
    ],
    [
      "counts wrongly",
      (_, response) => send(response, `${fleet("a")}{"kind":"end","count":2}\n`),
      "it has 1 records where its end says 2",
    ],
    [
      "has changed on the way",
      (_, response) =>
        send(response, `${fleet("a")}{"kind":"end","count":1,"checksum":"sha256:${"0".repeat(64)}"}\n`),
      "differs from the checksum",
    ],
    [
      "sends us elsewhere for all of it",
      (_, response) => void response.writeHead(302, { location: "/elsewhere" }).end(),
      "HTTP status 302",
    ],
    [
      "packs it and is cut off",
      (_, response) => {
        const packed = gzipSync(fleet(...Array.from({ length: 500 }, (_each, i) => `d${i}`)));
        response
          .writeHead(200, { "content-encoding": "gzip" })
          .end(packed.subarray(0, Math.floor(packed.length / 2)));
      },
      "broke off: unexpected end of file",
    ],
    [
      "packs it and breaks off",
      (_, response) => {
        const packed = gzipSync(fleet(...Array.from({ length: 500 }, (_each, i) => `d${i}`)));
        response.writeHead(200, { "content-encoding": "gzip", "content-length": packed.length });
        response.write(packed.subarray(0, Math.floor(packed.length / 2)));
        setTimeout(() => response.destroy(), 20);
      },
      "broke off",
    ],
    [
      "says that it is packed and it is not",
      (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(fleet("a")),
      "broke off: incorrect header check",
    ],
    [
      "sends a line without end",
      (_, response) => {
        response.writeHead(200);
        const more = (): void => {
          while (!response.destroyed && response.write("x".repeat(65_536)));
        };
        response.on("drain", more);
        more();
      },
      "a line that is longer than 1 MiB",
    ],
    [
      "is half a byte of text",
      (_, response) =>
        response.writeHead(200).end(Buffer.concat([Buffer.from(fleet("a")), Buffer.from([0xc3, 10])])),
      "line 2 of the answer is not UTF-8",
    ],
    [
      "goes on after its end",
      (_, response) => send(response, `{"kind":"end","count":0}\n${fleet("a")}`),
      "after the end",
    ],
  ])("that %s leaves what is in force, with the fault in the status", async (_name, wrong, message) => {
    const server = await listen((_request, response) => send(response, fleet("a", "b")));
    const { clock, registry } = await follow(server.url);
    await has(registry, "a", "b");
    server.answer = wrong;
    await vi.waitFor(() => expect(fault(registry)).toContain(message), { timeout: 5000 });
    clock.advance(40);
    expect([registry.deviceIdsAfter(undefined, 9), registry.freshness().ageS]).toEqual([["a", "b"], 40]);
    server.answer = (_request, response) => send(response, fleet("b"));
    await has(registry, "b");
    await vi.waitFor(() => expect([fault(registry), registry.freshness().ageS]).toEqual(["", 0]));
  });

  it("holds a checksum of what was sent, packed or not", async () => {
    const body = fleet("a", "b");
    const checksum = `sha256:${createHash("sha256").update(body).digest("hex")}`;
    const whole = `${body}${JSON.stringify({ kind: "end", count: 2, checksum })}\n`;
    const server = await listen((_request, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(whole)),
    );
    const { registry } = await follow(server.url);
    await has(registry, "a", "b");
    expect(server.asked[0]?.headers["accept-encoding"]).toBe("gzip");
  });

  it("is left alone for as long as it asks", async () => {
    const server = await listen(
      (_request, response) => void response.writeHead(429, { "retry-after": "3" }).end(),
    );
    const { registry } = await follow(server.url);
    await vi.waitFor(() => expect(fault(registry)).toContain("429"));
    await sleep(300);
    expect(server.asked).toHaveLength(1);
  });

  it("waits for somebody to confirm a great loss, and for no greater one", async () => {
    const ids = Array.from({ length: 200 }, (_, each) => `d${String(each).padStart(3, "0")}`);
    const server = await listen((_request, response) => send(response, fleet(...ids)));
    const { registry } = await follow(server.url);
    await has(registry, ...ids.slice(0, 99));
    expect(() => registry.confirmLoss("http:cmdb")).toThrow(/no snapshot of source `http:cmdb` waits/);
    server.answer = (_request, response) => send(response, fleet(...ids.slice(0, 50)));
    await vi.waitFor(() => expect(registry.status().sources[0]?.unconfirmedLoss).toBe(150));
    // One question at a time: the next one is on its way, and none before it is.
    const held: ServerResponse[] = [];
    server.answer = (_request, response) => void held.push(response);
    await vi.waitFor(() => expect(held).toHaveLength(1), { timeout: 5000 });
    registry.confirmLoss("http:cmdb");
    server.answer = (_request, response) => send(response, fleet(...ids.slice(0, 10)));
    send(held[0] as ServerResponse, fleet(...ids.slice(0, 10)));
    await vi.waitFor(() => expect(registry.status().sources[0]?.unconfirmedLoss).toBe(190));
    expect(registry.device("d199")).toBeDefined();
    registry.confirmLoss("http:cmdb");
    await has(registry, ...ids.slice(0, 10));
    expect(registry.status().sources[0]?.unconfirmedLoss).toBeUndefined();
  });

  it("writes the tenants that it claims, and no other source does; both are named", async () => {
    const server = await listen((_request, response) =>
      send(response, ndjson([entry.device("a"), entry.device("g", { tenant: "globex" })])),
    );
    const { registry } = await follow(server.url, { tenants: ["acme"] });
    await has(registry, "a");
    const other = registry.feed("other");
    const result = other.snapshot({ asOfMs: 0, maxLostShare: 1 }, async (sink) => {
      expect(sink.put({ key: "device:new", record: device("new") }, 1)).toMatch(/`http:cmdb`.*`other`/);
      expect(sink.put({ key: "device:g", record: device("g", { tenant: "globex" }) }, 2)).toBeUndefined();
      return { trailer: true };
    });
    expect(await result).toMatchObject({ changed: 1, rejected: 1 });
    expect(() => registry.feed("third", { tenants: ["acme", "initech"] })).toThrow(/`http:cmdb` and `third`/);
    expect(() => registry.feed("fourth", { tenants: ["acme"], kinds: ["tenant"] })).toThrow(
      /`http:cmdb` and `fourth`/,
    );
    const releases = registry.feed("fifth", { kinds: ["release"], tenants: ["initech"] });
    const put = releases.snapshot({ asOfMs: 0, maxLostShare: 1 }, async (sink) => {
      expect(sink.put({ key: "device:i", record: device("i", { tenant: "initech" }) }, 1)).toContain(
        "kind `device`",
      );
      return { trailer: true };
    });
    await put;
  });

  it("is asked with our certificate, and must show one of its authority", async () => {
    const authority = makeAuthority("feed");
    const shown = authority.issue({ cn: "feed", ips: ["127.0.0.1"] });
    const server = await listen((_request, response) => send(response, fleet("a")), {
      cert: shown.pem,
      key: shown.keyPem,
      ca: authority.pem,
    });
    const own = authority.issue({ cn: "sallyport" });
    const client = { cert: own.pem, key: own.keyPem };
    const good = await follow(server.url, { credentials: { tls: { ca: authority.pem, ...client } } });
    await has(good.registry, "a");
    const bare = await follow(server.url, { credentials: { tls: { ca: authority.pem } } });
    await vi.waitFor(() => expect(fault(bare.registry)).not.toBe(""));
    const blind = await follow(server.url, { credentials: { tls: client } });
    await vi.waitFor(() => expect(fault(blind.registry)).toMatch(/cannot be reached/));
    expect(blind.registry.freshness().synced).toBe(false);
  });
});
