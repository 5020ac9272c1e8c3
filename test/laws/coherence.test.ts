import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClientLease } from "../../src/coherence/client-lease.ts";
import { LinkStanding } from "../../src/coherence/link-standing.ts";

/**
 * A node and a client joined by two ordered pipes that delay, stall and break. The client remembers one answer and
 * asks again when it has none; it lives on clocks of its own: the monotonic one stands still while the machine
 * sleeps, the wall clock is set at will (but one of the two always shows what really passed).
 */
const durationMs = 5000;
const marginMs = 250;

type Step =
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "sleep"; readonly ms: number }
  | { readonly do: "jump"; readonly ms: number }
  | { readonly do: "renew" | "ask" | "change" | "cut" | "stale grant" }
  | { readonly do: "deliver"; readonly to: "node" | "client"; readonly count: number };

const plain = fc.constantFrom("renew" as const, "ask" as const, "ask" as const, "change" as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(1, 400, 2600, 5100) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("sleep" as const), ms: fc.constantFrom(400, 5600, 60_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("jump" as const), ms: fc.constantFrom(-60_000, -2000, 2000) }),
  },
  { weight: 6, arbitrary: fc.record({ do: plain }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stale grant" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("deliver" as const),
      to: fc.constantFrom("node" as const, "client" as const),
      count: fc.constantFrom(1, 1, 3),
    }),
  },
);

type ToNode = { readonly renew: number } | { readonly ask: true } | { readonly ack: number };
type ToClient =
  | { readonly grant: number; readonly ms: number }
  | { readonly answer: number }
  | { readonly change: number };

/** Runs the steps; returns how often an old answer was at hand after the receipt, had it been trusted. */
function run(steps: readonly Step[], rate: number): { receipts: number; tempted: number; usable: number } {
  const clocks = { node: 0, monotonicMs: 0, wallMs: 1_800_000_000_000 };
  const node = { standing: new LinkStanding({ durationMs, marginMs }), position: 0 };
  const client = { lease: new ClientLease(), answer: undefined as number | undefined };
  // One of the two clocks always shows what passed: a run has sleeps or clocks set back, not both.
  let slept = false;
  let setBack = false;
  let toNode: ToNode[] = [];
  let toClient: ToClient[] = [];
  const links: { readonly standing: LinkStanding; readonly told: Set<number> }[] = [
    { standing: node.standing, told: new Set() },
  ];
  const seen = { receipts: 0, tempted: 0, usable: 0 };

  const finished = (position: number): boolean =>
    links.every(
      ({ standing, told }) => !told.has(position) || standing.standing(position, clocks.node) !== "waiting",
    );

  for (const each of steps) {
    switch (each.do) {
      case "pass":
        clocks.node += each.ms;
        // A clock may run slow or fast by what the margin covers.
        clocks.monotonicMs += each.ms * rate;
        clocks.wallMs += each.ms * rate;
        break;
      case "sleep":
        if (setBack) break;
        slept = true;
        clocks.node += each.ms;
        clocks.wallMs += each.ms * rate;
        break;
      case "jump":
        // A machine whose wall clock is set back right where it slept has no clock that knows: set it forward then.
        if (each.ms < 0 && !slept) setBack = true;
        clocks.wallMs += slept ? Math.abs(each.ms) : each.ms;
        break;
      case "renew":
        toNode.push({
          renew: client.lease.renew({ monotonicMs: clocks.monotonicMs, wallMs: clocks.wallMs }),
        });
        break;
      case "ask":
        toNode.push({ ask: true });
        break;
      case "stale grant":
        client.lease.granted(10_000, durationMs);
        break;
      case "change": {
        node.position += 1;
        for (const link of links) {
          link.told.add(node.position);
          link.standing.tell(node.position);
        }
        toClient.push({ change: node.position });
        break;
      }
      case "cut": {
        // Whatever is under way is lost; the client attaches again with an empty memory.
        toNode = [];
        toClient = [];
        client.lease.end();
        client.answer = undefined;
        node.standing = new LinkStanding({ durationMs, marginMs });
        links.push({ standing: node.standing, told: new Set() });
        break;
      }
      case "deliver":
        for (let i = 0; i < each.count; i++) {
          if (each.to === "node") {
            const message = toNode.shift();
            if (message === undefined) break;
            if ("renew" in message)
              toClient.push({ grant: message.renew, ms: node.standing.renewed(clocks.node) });
            else if ("ask" in message) toClient.push({ answer: node.position });
            else expect(node.standing.acknowledge(message.ack)).toBe(true);
          } else {
            const message = toClient.shift();
            if (message === undefined) break;
            if ("grant" in message) client.lease.granted(message.grant, message.ms);
            else if ("answer" in message) client.answer = message.answer;
            else {
              if (client.answer !== undefined && client.answer < message.change) client.answer = undefined;
              toNode.push({ ack: message.change });
            }
          }
        }
        break;
    }
    // The law: once the receipt for a change is there, no answer older than it may be used.
    const usable = client.lease.isAlive(clocks.monotonicMs, clocks.wallMs);
    if (usable && client.answer !== undefined) seen.usable += 1;
    for (let position = 1; position <= node.position; position++) {
      if (!finished(position)) continue;
      seen.receipts += 1;
      if (client.answer === undefined || client.answer >= position) continue;
      seen.tempted += 1;
      expect(usable, `answer of ${client.answer} used after the receipt of ${position}`).toBe(false);
    }
  }
  return seen;
}

describe("law", () => {
  it("once a change has its receipt no client uses an older answer, whatever is delayed, cut, stopped or set", () => {
    const total = { receipts: 0, tempted: 0, usable: 0 };
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 40, maxLength: 90, size: "max" }),
        fc.constantFrom(0.96, 1, 1.04),
        (steps, rate) => {
          const seen = run(steps, rate);
          total.receipts += seen.receipts;
          total.tempted += seen.tempted;
          total.usable += seen.usable;
        },
      ),
      { numRuns: Number(process.env["LAW_RUNS"] ?? 400) },
    );
    // Without old answers at hand after a receipt, and usable ones at other times, the law would prove nothing.
    expect(total.tempted).toBeGreaterThan(100);
    expect(total.usable).toBeGreaterThan(100);
  });
});
