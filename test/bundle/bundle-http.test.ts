import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BundleHttp, type BundleHttpOptions } from "../../src/bundle/bundle-http.ts";
import { type BundleServer, serveBundles } from "../../src/bundle/bundle-server.ts";
import type { Offer } from "../../src/bundle/offer.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { Fault } from "../../src/runtime/fault.ts";
import { manifest, withManifest } from "./archives.ts";

const revision = (name: string): Promise<Buffer> => withManifest({ ...manifest, revision: name });

let offers: Offer[];
let faults: Fault[];
let active: { digest: string; etag?: string | undefined } | undefined;
let sources: BundleHttp[];
beforeEach(() => {
  [offers, faults, sources] = [[], [], []];
  active = undefined;
});
afterEach(async () => {
  for (const source of sources) await source[Symbol.asyncDispose]();
});

function ask(url: string, options: Partial<BundleHttpOptions> = {}): BundleHttp {
  const source = new BundleHttp({
    url: new URL(url),
    pollMs: 20,
    backoffMs: 100,
    longPollS: 0,
    timeoutMs: 400,
    credentials: async () => ({}),
    active: () => active,
    onOffer: (offer) => {
      offers.push(offer);
      active = { digest: offer.bundle.digest, etag: offer.etag };
    },
    onFault: (fault) => void faults.push(fault),
    random: Math.random,
    ...options,
  });
  sources.push(source);
  source.start();
  return source;
}

const revisions = (): string[] => offers.map(({ bundle }) => bundle.revision);
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5000, interval: 10 });

describe("a bundle server of our own", () => {
  let dir: string;
  let server: BundleServer;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "sallyport-served-"));
    server = await serveBundles({
      dir,
      host: "127.0.0.1",
      port: 0,
      clock: systemClock,
      token: "s3cret",
      lookMs: 10,
    });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });
  const put = (name: string, content: string | Uint8Array): void => {
    writeFileSync(join(dir, `${name}.new`), content);
    renameSync(join(dir, `${name}.new`), join(dir, name));
  };
  const url = (): string => `http://${server.address}/b.tar.gz`;
  const credentials = async () => ({ token: "s3cret" });

  it("brings a bundle, then the next, and the letters beside it", async () => {
    put("b.tar.gz", await revision("one"));
    ask(url(), { credentials });
    await until(() => expect(revisions()).toEqual(["one"]));
    put("b.tar.gz", await revision("two"));
    await until(() => expect(revisions()).toEqual(["one", "two"]));
    expect(offers[1]?.from).toBe(url());
    expect(faults).toEqual([]);
  });

  it("is asked for letters while a bundle waits for them", async () => {
    put("b.tar.gz", await revision("one"));
    ask(url(), { credentials, active: () => undefined });
    await until(() => expect(offers.map(({ letters }) => letters.approvals)).toEqual([[]]));
    put("b.tar.gz.letters.json", JSON.stringify({ approvals: ["a.b.c"] }));
    await until(() => expect(offers.map(({ letters }) => letters.approvals)).toEqual([[], ["a.b.c"]]));
  });

  it("holds a question until there is news", async () => {
    put("b.tar.gz", await revision("one"));
    // The next look after a poll would be an hour away.
    ask(url(), { credentials, longPollS: 20, pollMs: 20 });
    await until(() => expect(revisions()).toEqual(["one"]));
    await new Promise((resolve) => setTimeout(resolve, 150));
    put("b.tar.gz", await revision("two"));
    await until(() => expect(revisions()).toEqual(["one", "two"]));
  });

  it("wants its token, and serves nothing outside its folder", async () => {
    put("b.tar.gz", await revision("one"));
    ask(url());
    await until(() =>
      expect(faults.map(({ message }) => message)).toEqual([expect.stringContaining("status 401")]),
    );
    const get = (path: string): Promise<Response> =>
      fetch(`http://${server.address}${path}`, { headers: { authorization: "Bearer s3cret" } });
    expect((await get("/b.tar.gz")).status).toBe(200);
    writeFileSync(join(dir, "key.pem"), "secret");
    for (const path of [
      "/key.pem",
      "/..%2fb.tar.gz",
      "/%2e%2e/b.tar.gz.letters.json",
      "/.b.tar.gz",
      "/",
      "//b.tar.gz",
    ]) {
      expect((await get(path)).status, path).toBe(404);
    }
  });
});

describe("a server that", () => {
  let server: Server;
  let asked: IncomingMessage[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      if (request.url?.endsWith(".letters.json")) response.writeHead(404).end();
      else {
        asked.push(request);
        answer(request, response);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/b.tar.gz`;
  const codes = (): string[] => faults.map(({ code }) => code);

  it("is gone is asked again, more and more seldom, and found when it is back", async () => {
    const port = (server.address() as AddressInfo).port;
    await new Promise((resolve) => server.close(resolve));
    const body = await revision("one");
    answer = (_, response) => response.end(body);
    ask(`http://127.0.0.1:${port}/b.tar.gz`);
    await until(() => expect(codes()).toEqual(["bundle_unreachable"]));
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    await until(() => expect(revisions()).toEqual(["one"]));
    expect(codes()).toEqual(["bundle_unreachable"]);
  });

  it("is slow to answer, or to go on, is given up", async () => {
    answer = () => {};
    ask(url());
    await until(() => expect(faults[0]?.message).toMatch("did not answer within 400 ms"));
    answer = (_, response) => void response.writeHead(200, { "content-length": "100" }).write("x");
    await until(() => expect(faults[1]?.message).toMatch("did not send its whole answer within 400 ms"));
    expect(offers).toEqual([]);
  });

  it("breaks off in the middle is not believed", async () => {
    const body = await revision("one");
    answer = (_, response) => {
      response.writeHead(200, { "content-length": String(body.length) });
      response.write(body.subarray(0, 200), () => response.destroy());
    };
    ask(url());
    await until(() => expect(faults[0]?.message).toMatch("broke off"));
    // Cut short, and its length a lie as well.
    answer = (_, response) => response.end(body.subarray(0, 200));
    await until(() => expect(faults[1]?.message).toMatch("cut short"));
    expect(offers).toEqual([]);
  });

  it("sends too much is cut off", async () => {
    let sent = 0;
    answer = (_, response) => {
      const more = (): void => {
        sent += 65_536;
        if (!response.destroyed) response.write(Buffer.alloc(65_536), more);
      };
      more();
    };
    ask(url(), { limits: { maxArchiveBytes: 100_000 } });
    await until(() => expect(faults[0]).toMatchObject({ code: "bundle_invalid" }));
    expect(faults[0]?.message).toMatch("more than the 100000 bytes allowed");
    expect(sent).toBeLessThan(8_000_000);
  });

  it("lies about its ETag deceives nobody: the content counts", async () => {
    const [one, two] = [await revision("one"), await revision("two")];
    answer = (_, response) => response.writeHead(200, { etag: '"same"' }).end(one);
    ask(url());
    await until(() => expect(revisions()).toEqual(["one"]));
    await until(() => expect(asked.at(-1)?.headers["if-none-match"]).toBe('"same"'));
    answer = (_, response) => response.writeHead(200, { etag: '"same"' }).end(two);
    await until(() => expect(revisions()).toEqual(["one", "two"]));
    let count = 0;
    answer = (_, response) => response.writeHead(200, { etag: `"${count++}"` }).end(two);
    await until(() => expect(count).toBeGreaterThan(3));
    expect(revisions()).toEqual(["one", "two"]);
    expect(codes()).toEqual([]);
  });

  it("says that nothing changed before anything is in force is not believed", async () => {
    answer = (_, response) => response.writeHead(304).end();
    ask(url());
    await until(() =>
      expect(faults[0]?.message).toMatch("nothing has changed, although nothing is in force"),
    );
  });

  it("brought a bundle that was refused is asked without its ETag", async () => {
    const body = await revision("one");
    answer = (_, response) => response.writeHead(200, { etag: '"one"' }).end(body);
    let refusals = 0;
    ask(url(), {
      onOffer: () => {
        refusals += 1;
        throw new Fault("bundle_untrusted", "no");
      },
    });
    await until(() => expect(asked.length).toBeGreaterThan(4));
    expect(asked.every(({ headers }) => headers["if-none-match"] === undefined)).toBe(true);
    expect([refusals, codes()]).toEqual([1, ["bundle_untrusted"]]);
  });

  it("would send us elsewhere is not followed", async () => {
    answer = (_, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
    ask(url());
    await until(() => expect(faults[0]?.message).toMatch("status 302"));
    expect(asked[0]?.headers["prefer"]).toBe("modes=snapshot");
  });
});
