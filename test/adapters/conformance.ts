/**
 * What every adapter must make of a decision, whatever its broker calls it. An adapter brings a {@link Door}:
 * a real client in front of a real broker that asks through the adapter. Features that a dialect lacks are
 * read from its own `supports`; such rows are skipped by name, never silently.
 */
import { describe, expect, it } from "vitest";
import type { Decider } from "../../src/decision/decision.ts";
import type { Obligations } from "../../src/decision/obligations.ts";
import type { SessionKind, Supports } from "../../src/decision/supports.ts";
import { after, allowed, denied, RecordingDecider, type Rule } from "./recording-decider.ts";

/** One client of one broker. */
export interface Door {
  /** Opens the session, with a last will if there is a topic for it. */
  connect(will?: { topic: string; qos: 0 | 1 | 2; retain: boolean }): Promise<"accepted" | "refused">;
  /** `delivered`: other clients would get it; `stopped`: nobody does. */
  publish(topic: string, qos: 0 | 1 | 2, retain: boolean): Promise<"delivered" | "stopped">;
  subscribe(filter: string, qos: 0 | 1 | 2): Promise<"granted" | "refused">;
  /** Highest QoS at which a message published by the broker's owner with QoS 2 arrives; `undefined`: not at all. */
  receive(topic: string): Promise<0 | 1 | 2 | undefined>;
  /** Whether the session stands, after the broker had time to end it. */
  open(): Promise<boolean>;
  /** Resolves when the session is gone, or rejects after `withinMs`. */
  gone(withinMs: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** An adapter with its broker. */
export interface AdapterUnderTest {
  readonly name: string;
  readonly supports: Supports;
  /** A fresh broker and one client that is not connected yet. Deadline of the adapter: `deadlineMs`. */
  open(decider: Decider, deadlineMs: number): Promise<Door>;
}

const topic = "t/acme/d/meter-001/ops/power";
const deadlineMs = 150;

/** Answers that are no answer, or come too late: all of them are denials. */
const failures: readonly { readonly name: string; readonly rule: Rule }[] = [
  {
    name: "throws",
    rule: () => {
      throw new Error("broken");
    },
  },
  { name: "rejects", rule: () => Promise.reject(new Error("broken")) },
  { name: "answers after the deadline", rule: () => after(deadlineMs * 4, allowed()) },
  { name: "never answers", rule: () => new Promise(() => {}) },
];

/** An obligation with a value, for each that is not enforced by everybody. */
const demanding: readonly Obligations[] = [
  { session_ttl_s: 60 },
  { rate_class: "standard" },
  { max_qos: 1 },
  { route: "backfill" },
  { command_ttl_s: 60 },
];

/** A rule that answers one kind in one way and allows the others. */
function only(kind: SessionKind, rule: Rule): Rule {
  return (query) => (query.kind === kind ? rule(query) : allowed());
}

async function admits(door: Door, kind: SessionKind): Promise<boolean> {
  const accepted = (await door.connect()) === "accepted";
  if (kind === "connect") return accepted;
  expect(accepted).toBe(true);
  if (kind === "publish") return (await door.publish(topic, 1, false)) === "delivered";
  return (await door.subscribe(topic, 1)) === "granted";
}

const kinds: readonly SessionKind[] = ["connect", "publish", "subscribe"];

/** The suite. */
export function describeConformance(adapter: AdapterUnderTest): void {
  const withDoor = async (rule: Rule, use: (door: Door, decider: RecordingDecider) => Promise<void>) => {
    const decider = new RecordingDecider(rule);
    const door = await adapter.open(decider, deadlineMs);
    try {
      await use(door, decider);
    } finally {
      await door[Symbol.asyncDispose]();
    }
  };

  describe(`${adapter.name} conforms`, () => {
    for (const kind of kinds) {
      it(`${kind}: an allow admits, answered at once or later`, async () => {
        await withDoor(
          only(kind, () => allowed()),
          async (door) => expect(await admits(door, kind)).toBe(true),
        );
        await withDoor(
          only(kind, () => after(5, allowed())),
          async (door) => expect(await admits(door, kind)).toBe(true),
        );
      });

      it(`${kind}: a denial of each retry class does not admit`, async () => {
        for (const reason of ["credential_revoked", "device_unknown", "facts_stale"] as const) {
          await withDoor(
            only(kind, () => denied(reason)),
            async (door) => expect(await admits(door, kind), reason).toBe(false),
          );
        }
      });

      for (const { name, rule } of failures) {
        it(`${kind}: a decider that ${name} does not admit`, async () => {
          await withDoor(only(kind, rule), async (door) => expect(await admits(door, kind)).toBe(false));
        });
      }

      for (const obligations of demanding) {
        const name = Object.keys(obligations)[0] as keyof Obligations;
        const enforced = adapter.supports.enforces[kind].has(name);
        it(`${kind}: an allow with \`${name}\` ${enforced ? "admits" : "is a denial"}`, async () => {
          await withDoor(
            only(kind, () => allowed(obligations)),
            async (door) => expect(await admits(door, kind)).toBe(enforced),
          );
        });
      }

      it(`${kind}: advisory obligations and duties of the service do not stand in the way`, async () => {
        const obligations = {
          reattest_by: 1,
          update_by: 1,
          notify: ["soc"],
          audit: "full",
          alert: "x",
          mark_reentry: true,
        };
        await withDoor(
          only(kind, () => allowed(obligations)),
          async (door) => expect(await admits(door, kind)).toBe(true),
        );
      });

      it(`${kind}: an unknown obligation is a denial`, async () => {
        const obligations = { kneel: true } as Obligations;
        await withDoor(
          only(kind, () => allowed(obligations)),
          async (door) => expect(await admits(door, kind)).toBe(false),
        );
      });
    }

    it("a transient denial of a publish keeps the session", async () => {
      await withDoor(
        only("publish", () => denied("facts_stale")),
        async (door) => {
          expect(await admits(door, "publish")).toBe(false);
          expect(await door.open()).toBe(true);
        },
      );
    });

    it(`a lasting denial of a publish ${adapter.supports.denied_publish} the session`, async () => {
      await withDoor(
        only("publish", () => denied("topic_out_of_scope")),
        async (door) => {
          expect(await admits(door, "publish")).toBe(false);
          expect(await door.open()).toBe(adapter.supports.denied_publish === "drops");
        },
      );
    });

    it("a denied subscription keeps the session", async () => {
      await withDoor(
        only("subscribe", () => denied("topic_wildcard_too_broad")),
        async (door) => {
          expect(await admits(door, "subscribe")).toBe(false);
          expect(await door.open()).toBe(true);
        },
      );
    });

    it("`disconnect` with a denied publish ends the session", async (context) => {
      if (!adapter.supports.enforces.publish.has("disconnect")) context.skip("`disconnect` is not enforced");
      await withDoor(
        only("publish", () => denied("device_retired", { disconnect: true })),
        async (door) => {
          expect(await admits(door, "publish")).toBe(false);
          await door.gone(1000);
        },
      );
    });

    it("`session_ttl_s` ends the session", async (context) => {
      if (!adapter.supports.enforces.connect.has("session_ttl_s"))
        context.skip("`session_ttl_s` is not enforced");
      await withDoor(
        only("connect", () => allowed({ session_ttl_s: 1 })),
        async (door) => {
          expect(await door.connect()).toBe("accepted");
          expect(await door.open()).toBe(true);
          await door.gone(2500);
        },
      );
    });

    it("`recheck_after_s` ends the session by a denial, and by nothing less", async (context) => {
      if (!adapter.supports.enforces.connect.has("recheck_after_s"))
        context.skip("`recheck_after_s` is not enforced");
      const answers = [allowed({ recheck_after_s: 1 }), denied("facts_stale", { retry_after_s: 1 })];
      await withDoor(
        only("connect", () => answers.shift() ?? denied("device_quarantined")),
        async (door, decider) => {
          expect(await door.connect()).toBe("accepted");
          await door.gone(5000);
          expect(decider.of("connect")).toHaveLength(3);
        },
      );
    });

    it("`max_qos` caps what is delivered", async (context) => {
      if (!adapter.supports.enforces.subscribe.has("max_qos")) context.skip("`max_qos` is not enforced");
      for (const kind of ["connect", "subscribe"] as const) {
        await withDoor(
          only(kind, () => allowed({ max_qos: 1 })),
          async (door) => {
            await door.connect();
            expect(await door.subscribe("t/acme/d/meter-001/cmd/#", 2)).toBe("granted");
            expect(await door.receive("t/acme/d/meter-001/cmd/reboot")).toBe(1);
          },
        );
      }
    });

    it("a refused subscription receives nothing", async () => {
      await withDoor(
        only("subscribe", () => denied("topic_out_of_scope")),
        async (door) => {
          await door.connect();
          await door.subscribe("t/#", 2);
          expect(await door.receive(topic)).toBeUndefined();
        },
      );
    });

    it("the question says what the dialect says", async () => {
      await withDoor(
        () => allowed(),
        async (door, decider) => {
          await door.connect({ topic, qos: 1, retain: true });
          await door.publish(topic, 1, true);
          await door.subscribe("$share/g/t/acme/d/meter-001/cmd/#", 1);
          const { says } = adapter.supports;
          const [connect] = decider.of("connect");
          if (says.will_at_connect) expect(connect?.will).toEqual({ topic, qos: 1, retain: true });
          expect(decider.of("publish")[0]).toMatchObject({
            topic,
            qos: says.qos ? 1 : 0,
            retain: says.retain,
          });
          expect(decider.of("subscribe")[0]).toMatchObject({ filter: "$share/g/t/acme/d/meter-001/cmd/#" });
          const subjects = new Set(decider.asked.map((query) => ("subject" in query ? query.subject : null)));
          expect(subjects.size, "one subject object per session").toBe(1);
        },
      );
    });
  });
}
