/**
 * An obligation that a dialect cannot enforce turns the decision into a denial: every adapter, every kind, every
 * obligation there is. What each may let pass is written down here, and not read from its own declaration.
 */
import { describe, expect, it } from "vitest";
import { supports as aedes } from "../../src/adapters/aedes/aedes.ts";
import { supports as exhook } from "../../src/adapters/exhook/exhook.ts";
import { supports as nats } from "../../src/adapters/nats/nats.ts";
import { supports as rabbit } from "../../src/adapters/rabbitmq/rabbitmq.ts";
import { supports as verne } from "../../src/adapters/vernemq/vernemq.ts";
import { type Obligations, obligationNames } from "../../src/decision/obligations.ts";
import type { SessionQuery } from "../../src/decision/query.ts";
import { ruleOn } from "../../src/enforcement/ruling.ts";
import { allowed } from "./recording-decider.ts";
import { dialects, filter, type Kind, kinds, only, open, topic, verdict } from "./speakers.ts";

/** A value that asks for something. */
const values: Required<Omit<Obligations, "disconnect">> = {
  session_ttl_s: 60,
  recheck_after_s: 30,
  rate_class: "untrusted",
  max_qos: 0,
  reattest_by: 1,
  rotate_credential_by: 1,
  update_by: 1,
  mark_reentry: true,
  resync_clock: true,
  route: "backfill",
  audit: "full",
  alert: "soc",
  retry_after_s: 5,
  consume_claim: true,
  review_by: 1,
  notify: ["soc"],
  command_ttl_s: 60,
  artifact: "x",
  resume: true,
  expires_at: 1,
  fail_static_s: 60,
};
type Name = keyof typeof values;
/** With `disconnect` the session ends, whatever was answered: it is another test's. */
const names = obligationNames.filter((name): name is Name => name !== "disconnect");

/** The service sees to these itself, or they may be left undone. */
const free: readonly Name[] = [
  "reattest_by",
  "rotate_credential_by",
  "update_by",
  "resync_clock",
  "notify",
  "consume_claim",
  "mark_reentry",
  "audit",
  "alert",
  "review_by",
  "fail_static_s",
];
const time: readonly Name[] = ["session_ttl_s", "recheck_after_s", "retry_after_s"];
/** What passes besides. A QoS above a cap of 0 is no publish that could pass; VerneMQ can grant a lower one. */
const passes: Readonly<Record<string, Readonly<Record<Kind, readonly Name[]>>>> = {
  rabbitmq: { connect: time, publish: time, subscribe: time },
  vernemq: { connect: [...time, "max_qos"], publish: time, subscribe: [...time, "max_qos"] },
  "emqx http": {
    connect: [...time, "max_qos"],
    publish: ["session_ttl_s", "recheck_after_s"],
    subscribe: ["session_ttl_s", "recheck_after_s"],
  },
  "emqx exhook": { connect: time, publish: time, subscribe: time },
  "mosquitto-go-auth": { connect: time, publish: time, subscribe: time },
  // A list carries no obligations of single publishes.
  "nats auth callout": { connect: time, publish: names, subscribe: names },
};

describe.each(dialects)("$name", (dialect) => {
  for (const kind of kinds)
    for (const name of names) {
      const allow = free.includes(name) || (passes[dialect.name]?.[kind].includes(name) ?? false);
      it(`${kind}: an allow with \`${name}\` ${allow ? "passes" : "is a denial"}`, async () => {
        const rule = only(kind, () => allowed({ [name]: values[name] }));
        using opened = open(dialect, rule);
        expect(await verdict(dialect, opened.spoken, kind)).toBe(allow);
      });
    }
});

describe("what is told only by what is declared", () => {
  const bounds = { maxQos: 1, rateClasses: new Set<string>() } as const;
  const subject = { client_id: "meter-001", proof: null };
  const queries: Readonly<Record<Kind, SessionQuery>> = {
    connect: { kind: "connect", subject },
    publish: { kind: "publish", subject, topic, qos: 1, retain: false },
    subscribe: { kind: "subscribe", subject, filter, qos: 1 },
  };
  const rules = (supports: typeof aedes, kind: Kind, obligations: Obligations): boolean =>
    ruleOn(supports, queries[kind], allowed(obligations), bounds).allow;

  it.each(kinds)("without a way to end sessions, %s is denied where a session must end", (kind) => {
    for (const supports of [rabbit(false), verne(false), exhook(false)]) {
      expect(rules(supports, kind, { session_ttl_s: 60 }), supports.broker).toBe(false);
      expect(rules(supports, kind, { recheck_after_s: 60 }), supports.broker).toBe(false);
      expect(rules(supports, kind, {}), supports.broker).toBe(true);
    }
    // Its JWT ends by itself.
    expect(rules(nats(false), kind, { session_ttl_s: 60 })).toBe(true);
  });

  it.each(kinds)("aedes, %s: what it cannot do is a denial", (kind) => {
    for (const name of names) {
      const kept: readonly Name[] = kind === "publish" ? time : [...time, "max_qos"];
      const allow = free.includes(name) || kept.includes(name);
      expect(rules(aedes, kind, { [name]: values[name] }), name).toBe(allow);
    }
  });
});
