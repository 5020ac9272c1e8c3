/** A whole service, fed over `RegistryService.Sync` by a peer, and asked by an attached client. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type ClientDuplexStream, credentials, Metadata } from "@grpc/grpc-js";
import { stringify } from "yaml";
import { type App, startApp } from "../../../src/app.ts";
import { type Attached, attach } from "../../../src/client/client.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import type { Decision } from "../../../src/decision/decision.ts";
import type { Subject } from "../../../src/decision/query.ts";
import * as wire from "../../../src/gen/sallyport/v1/registry.ts";
import type { SyncEvent } from "../../../src/registry/sync.ts";
import type { Json } from "../../cases/table.ts";
import { certificateFacts } from "../../records.ts";
import { exampleKeysetPath, shippedPath } from "../../shipped.ts";
import type { Player } from "./scenario.ts";
import { Source } from "./source.ts";

type Call = ClientDuplexStream<wire.SyncRequest, wire.SyncResponse>;

/** Plays what a peer pushes; what only a source that is asked can do is not played here. */
export class ServiceStand implements Player, AsyncDisposable {
  readonly app: App;
  readonly source: Source;
  readonly #now: number;
  readonly #dir: string;
  readonly #stub: wire.RegistryServiceClient;
  readonly #client: Attached;
  #call: Call | undefined;
  #acked = -1;
  /** Why the enforcement point was told to end sessions. */
  readonly ended: string[] = [];

  private constructor(app: App, dir: string, now: number) {
    this.app = app;
    this.#dir = dir;
    this.#now = now;
    this.source = new Source(now);
    this.#stub = new wire.RegistryServiceClient(app.grpcAddress, credentials.createInsecure());
    this.#client = attach({ addresses: [app.grpcAddress], name: "row", deadlineMs: 20_000 });
  }

  static async start(silenceS = 300): Promise<ServiceStand> {
    const dir = mkdtempSync(path.join(tmpdir(), "sallyport-rows-"));
    const peer = { env: "prod", region: "eu-west", endpoint: "ep-telemetry", tenants: ["*"] };
    const config = stringify({
      grpc: { listen: "127.0.0.1:0" },
      http: { listen: "127.0.0.1:0" },
      bundle: { file: shippedPath, keyset: exampleKeysetPath },
      registry: { dir: path.join(dir, "registry"), push: { silence_s: silenceS } },
      overrides: { initialize: true },
      decision_log: { sink: "none" },
      log: { level: "silent" },
      shutdown: { drain_s: 0 },
      peers: [
        {
          name: "row",
          match: { loopback: true },
          ...peer,
          kinds: ["*", "admin", "feed"],
          may_assert: ["credential"],
        },
      ],
    });
    const file = path.join(dir, "sallyport.yaml");
    writeFileSync(file, config);
    const app = await startApp(loadConfig({ file, cwd: dir }));
    return new ServiceStand(app, dir, Math.floor(Date.now() / 1000));
  }

  /** Whether HTTP says that the service is ready. */
  async ready(): Promise<boolean> {
    return (await fetch(`http://${this.app.httpAddress}/readyz`)).ok;
  }

  connect(id: string): Promise<Decision> {
    return Promise.resolve(this.#client.decide({ kind: "connect", subject: this.#subject(id) }));
  }

  publish(id: string): Promise<Decision> {
    const subject = this.#subject(id);
    const topic = `t/acme/d/${id}/ops/temp`;
    return Promise.resolve(this.#client.decide({ kind: "publish", subject, topic, qos: 0, retain: false }));
  }

  /** Whether the stream of the feed is still open. */
  get feeding(): boolean {
    return this.#call !== undefined;
  }

  async begin(revision: number | undefined): Promise<void> {
    this.#open();
    for (const event of this.source.begin(revision)) this.#say(event);
  }
  async put(id: string, patch: Json, at?: { revision?: number; prev?: number }): Promise<void> {
    this.#say(this.source.put(id, patch, at));
    if (at?.revision !== undefined) await until(() => this.#acked >= this.source.last);
  }
  async gone(id: string, revision: number): Promise<void> {
    this.#say(this.source.gone(id, revision));
  }
  async end(count: number): Promise<void> {
    this.#say(this.source.end(count));
    await until(() => this.#acked >= this.source.last);
  }
  async bookmark(revision: number, agoS: number): Promise<void> {
    this.#say({ type: "bookmark", revision, as_of: Math.floor(Date.now() / 1000) - agoS });
  }
  async breaks(): Promise<void> {
    this.#call?.cancel();
    await until(() => this.#call === undefined);
  }
  async attached(id: string): Promise<void> {
    await this.#client.ready(20_000);
    const subject = this.#subject(id);
    const decision = await this.#client.decide({ kind: "connect", subject });
    this.#client.session({
      subject,
      connect: decision,
      onEnd: (reason) => this.ended.push(reason),
      onRevoked: () => {},
    });
  }
  async lose(): Promise<void> {
    throw new Error("not over a stream");
  }
  ask = this.lose;
  quiet = this.lose;
  resume = this.lose;
  expired = this.lose;
  asFeedOf = this.lose;
  report = this.lose;
  contiguous(): void {
    this.source.contiguous = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    this.#call?.cancel();
    this.#stub.close();
    await this.app.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #subject(id: string): Subject {
    const credential = certificateFacts(id, this.#now, { fingerprint: `fp-${id}-b` });
    return { client_id: id, proof: { type: "asserted", credential } };
  }

  #open(): void {
    if (this.#call !== undefined) return;
    const call: Call = this.#stub.sync(new Metadata());
    this.#call = call;
    call.on("data", ({ message }: wire.SyncResponse) => {
      if (message?.$case === "ack") this.#acked = Math.max(this.#acked, message.value.revision);
    });
    const over = (): void => {
      if (this.#call === call) this.#call = undefined;
    };
    call.on("error", over);
    call.on("end", over);
    call.write({
      message: {
        $case: "hello",
        value: { source: "", epoch: "e", confirm_deletions: true, takes_duties: false },
      },
    });
  }

  #say(event: SyncEvent): void {
    this.#call?.write({ message: toWire(event) });
  }
}

function toWire(event: SyncEvent): wire.SyncRequest["message"] {
  const { type, ...rest } = event;
  const given = rest as Record<string, unknown>;
  const { record, ...others } = given;
  const value = {
    prev: 0,
    version: 0,
    digests: [],
    ...others,
    ...(type === "upsert" ? { record_json: record } : {}),
  };
  return { $case: type, value } as unknown as wire.SyncRequest["message"];
}

/** Waits until `done`, at most twenty seconds. */
export async function until(done: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!done()) {
    if (Date.now() > end) throw new Error("it did not happen within twenty seconds");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
