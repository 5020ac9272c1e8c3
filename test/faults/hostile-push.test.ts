/** What a peer may send over `RegistryService.Sync`, at a whole service: it harms nobody, and honest ones go on. */
import { type ClientDuplexStream, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import * as wire from "../../src/gen/sallyport/v1/registry.ts";
import { type Fleet, makeFleet, publishOf, serveFleet, subjectOf } from "../client/attached.ts";
import { deviceRecord, floorRecord, tenantRecord } from "../records.ts";

type Message = NonNullable<wire.SyncRequest["message"]>;
type Call = ClientDuplexStream<wire.SyncRequest, wire.SyncResponse>;

const made = Math.floor(Date.now() / 1000);
let fleet: Fleet;
let app: App;
let stub: wire.RegistryServiceClient;

beforeAll(async () => {
  const place = { env: "prod", region: "eu-west", endpoint: "ep-telemetry", tenants: ["*"] };
  const rights = { kinds: ["*", "admin", "feed"], may_assert: ["credential"] };
  fleet = makeFleet(0, {
    registry: { dir: "registry" },
    peers: [{ name: "broker", match: { loopback: true }, ...place, ...rights }],
  });
  app = await serveFleet(fleet);
  stub = new wire.RegistryServiceClient(app.grpcAddress, credentials.createInsecure());
}, 60_000);
afterAll(async () => {
  stub.close();
  await app.close();
  fleet[Symbol.dispose]();
});

const hello = (more: object = {}): Message => ({
  $case: "hello",
  value: { source: "", epoch: "e", confirm_deletions: false, takes_duties: false, ...more },
});
const begin = (revision: number): Message => ({ $case: "begin_snapshot", value: { revision } });
const end = (count: number): Message => ({ $case: "end_snapshot", value: { count, checksum: "" } });
const bookmark = (revision: number): Message => ({
  $case: "bookmark",
  value: { revision, as_of: Math.floor(Date.now() / 1000), digests: [] },
});
const upsert = (kind: string, record: object, revision = 0): Message => ({
  $case: "upsert",
  value: { kind, record_json: JSON.stringify(record), revision, prev: 0, version: 0 },
});
const batch = (...messages: readonly Message[]): Message => ({
  $case: "batch",
  value: { requests: messages.map((message) => ({ message })) },
});
const whole = (): Message[] => [
  upsert("tenant", tenantRecord("acme")),
  upsert("firmware_policy", floorRecord("acme", "meter", made)),
  upsert("device", deviceRecord("meter-0", made)),
];

interface Ended {
  readonly code: number;
  readonly details: string;
  readonly said: readonly (string | undefined)[];
}

/** Sends all of it and waits for the end: of the call by the service, or what it says to ours. */
function send(...messages: readonly Message[]): Promise<Ended> {
  const call: Call = stub.sync(new Metadata());
  const said: (string | undefined)[] = [];
  return new Promise((resolve) => {
    call.on("data", ({ message }: wire.SyncResponse) => said.push(message?.$case));
    call.on("error", ({ code, details }: ServiceError) => resolve({ code, details, said }));
    call.on("end", () => resolve({ code: status.OK, details: "", said }));
    for (const message of messages) call.write({ message });
    call.end();
  });
}

let revision = 1000;
/** An honest source is served, and the device answers as its record says. */
async function honest(): Promise<void> {
  revision += 10;
  const { code, said } = await send(hello(), begin(revision), ...whole(), end(3), bookmark(revision));
  expect([code, said]).toEqual([status.OK, ["welcome", "ack", "ack"]]);
  const { reason } = await app.decider("broker").decide(publishOf(subjectOf(0)));
  expect(reason).toBe("ok");
  expect(app.registry.freshness().ageS).toBeLessThanOrEqual(2);
}

const quarantined = deviceRecord("meter-0", made, { state: { lifecycle: "quarantined" } });

it.each<[string, number, () => readonly Message[]]>([
  ["nothing", status.INVALID_ARGUMENT, () => []],
  ["no `hello` first", status.INVALID_ARGUMENT, () => [begin(1)]],
  ["`hello` twice", status.INVALID_ARGUMENT, () => [hello(), hello()]],
  ["a source with a name that is none", status.INVALID_ARGUMENT, () => [hello({ source: "../x" })]],
  ["a batch in a batch", status.INVALID_ARGUMENT, () => [hello(), batch(batch(begin(1)))]],
  ["`hello` in a batch", status.INVALID_ARGUMENT, () => [hello(), batch(hello())]],
  [
    "a message of another release",
    status.INVALID_ARGUMENT,
    () => [hello(), { $case: undefined } as unknown as Message],
  ],
  ["a change without a revision", status.INVALID_ARGUMENT, () => [hello(), upsert("device", quarantined, 0)]],
  ["a revision below all", status.INVALID_ARGUMENT, () => [hello(), begin(-1)]],
  ["a revision beyond 2^53, which is no message", status.INTERNAL, () => [hello(), begin(2 ** 53 + 2)]],
  [
    "a snapshot that is older than what is in force",
    status.FAILED_PRECONDITION,
    () => [hello(), begin(1), ...whole(), end(3)],
  ],
  ["half a snapshot", status.OK, () => [hello(), begin(revision + 1), upsert("device", quarantined)]],
  [
    "a snapshot that says that it is longer",
    status.OK,
    () => [hello(), begin(revision + 1), upsert("device", quarantined), end(7)],
  ],
  [
    "a deletion of what the service keeps for itself",
    status.OK,
    () => [
      hello(),
      { $case: "delete", value: { key: "!state", revision: revision + 1, prev: 0, version: 0 } },
    ],
  ],
  [
    "an empty batch, and ends without a beginning",
    status.OK,
    () => [hello(), batch(), end(0), { $case: "end_bucket", value: { count: 0 } }],
  ],
])("%s", async (_what, code, messages) => {
  await honest();
  const ended = await send(...messages());
  expect([ended.code, ended.details]).toEqual([code, ended.details]);
  if (code !== status.OK) expect(ended.details).not.toBe("");
  await honest();
});

it("an end of a snapshot that comes twice deletes nothing and is not acknowledged twice", async () => {
  await honest();
  revision += 10;
  const ended = await send(hello(), begin(revision), ...whole(), end(3), end(3), end(0), bookmark(revision));
  expect([ended.code, ended.said]).toEqual([status.OK, ["welcome", "ack", "ack"]]);
  await honest();
});

it("two connections of one source: the second one is refused, and the first goes on", async () => {
  await honest();
  const first: Call = stub.sync(new Metadata());
  const said: (string | undefined)[] = [];
  first.on("data", ({ message }: wire.SyncResponse) => said.push(message?.$case));
  first.on("error", () => said.push("error"));
  const heard = async (count: number): Promise<void> => {
    await expect.poll(() => said.length, { timeout: 10_000 }).toBe(count);
  };
  first.write({ message: hello() });
  await heard(1);
  expect(await send(hello(), begin(revision + 1))).toMatchObject({ code: status.INVALID_ARGUMENT, said: [] });
  first.write({ message: bookmark(revision) });
  await heard(2);
  first.end();
  await expect.poll(() => app.registry.status().sources.length).toBe(1);
  expect(said).toEqual(["welcome", "ack"]);
});
