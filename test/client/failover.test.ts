import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { type Attached, attach } from "../../src/client/client.ts";
import { type Fleet, makeFleet, publishOf, serveFleet, subjectOf, until } from "./attached.ts";

const devices = 40;
let fleets: Fleet[];
let nodes: App[];
let client: Attached;
const ended: string[] = [];
const revoked: string[] = [];

beforeAll(async () => {
  fleets = [makeFleet(devices), makeFleet(devices)];
  nodes = [];
  for (const fleet of fleets) nodes.push(await serveFleet(fleet));
  client = attach({
    addresses: nodes.map(({ grpcAddress }) => grpcAddress),
    streams: 2,
    deadlineMs: 20_000,
  });
  await client.ready(30_000);
  await until(() => client.metrics().streams_up === 4);
}, 120_000);

afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  for (const node of nodes ?? []) await node.close();
  for (const fleet of fleets ?? []) fleet[Symbol.dispose]();
});

const subjects = Array.from({ length: devices }, (_, i) => subjectOf(i));
const askAll = () => Promise.all(subjects.map(async (subject) => client.decide(publishOf(subject))));
const sessionsAt = (): number[] => nodes.map(({ attachments }) => attachments.sessions);

describe("a client of several nodes", { timeout: 120_000 }, () => {
  it("spreads devices over all streams, each on a connection of its own", async () => {
    for (const subject of subjects) {
      const connect = await client.decide({ kind: "connect", subject });
      const session = client.session({
        subject,
        connect,
        onEnd: (why) => ended.push(`${subject.client_id} ${why}`),
        onRevoked: (filter) => revoked.push(filter),
      });
      session.subscribed(`t/acme/d/${subject.client_id}/cmd/#`, 0);
    }
    expect((await askAll()).every(({ allow }) => allow)).toBe(true);
    await until(() => sessionsAt().reduce((sum, each) => sum + each, 0) === devices);
    for (const at of sessionsAt()) expect(at).toBeGreaterThan(0);
    expect(nodes.map(({ attachments }) => attachments.attached)).toEqual([2, 2]);
  });

  it("goes on with the one that is left when a node goes, and lists its sessions there", async () => {
    const [first, second] = nodes as [App, App];
    await first.close();
    // Nothing that the dead node said is remembered, and nobody is denied for its sake.
    const answers = await askAll();
    expect(answers.map(({ allow }) => allow)).toEqual(subjects.map(() => true));
    await until(() => client.metrics().streams_up === 2);
    await until(() => second.attachments.sessions === devices);
    expect({ ended, revoked, sessions: client.metrics().sessions }).toEqual({
      ended: [],
      revoked: [],
      sessions: devices,
    });
  });

  it("hears of revocations there, for sessions that began at the other", async () => {
    const [, second] = nodes as [App, App];
    const before = second.attachments.position;
    const patches = Object.fromEntries(
      subjects.map(({ client_id }, i) => [
        client_id,
        { state: { quarantine: { active: i % 2 === 0, mode: "block" } } },
      ]),
    );
    fleets[1]?.write(patches);
    await second.reload();
    const receipt = await second.attachments.receipt(before);
    expect(receipt).toMatchObject({ complete: true, pending: [], fenced: [] });
    expect(receipt.sessions.closed).toBe(devices / 2);
    expect(ended).toHaveLength(devices / 2);
    const answers = await askAll();
    expect(answers.map(({ allow }) => allow)).toEqual(subjects.map((_subject, i) => i % 2 === 1));
  });

  it("uses a node that comes back", async () => {
    const fleet = fleets[0] as Fleet;
    const address = (nodes[0] as App).grpcAddress;
    nodes[0] = await serveFleet(fleet, { "grpc.listen": address });
    await until(() => client.metrics().streams_up === 4);
    expect((nodes[0] as App).attachments.attached).toBe(2);
  });
});
