/**
 * One decision table for every dialect that asks from afar: whatever a broker calls it, the same decision is the same
 * verdict. Each dialect is spoken as its broker speaks it; what it cannot tell or do is read from its `supports`.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { supports as aedes } from "../../src/adapters/aedes/aedes.ts";
import { supports as emqx } from "../../src/adapters/emqx/emqx.ts";
import { supports as exhook } from "../../src/adapters/exhook/exhook.ts";
import { supports as mosquitto } from "../../src/adapters/mosquitto/mosquitto.ts";
import { supports as nats } from "../../src/adapters/nats/nats.ts";
import { supports as rabbit } from "../../src/adapters/rabbitmq/rabbitmq.ts";
import { supports as verne } from "../../src/adapters/vernemq/vernemq.ts";
import type { Decision } from "../../src/decision/decision.ts";
import type { Obligations } from "../../src/decision/obligations.ts";
import type { Supports } from "../../src/decision/supports.ts";
import { after, allowed, denied, type Rule } from "./recording-decider.ts";
import { deadlineMs, dialects, filter, id, kinds, only, open, topic, verdict } from "./speakers.ts";

const rows: readonly {
  readonly name: string;
  readonly rule: Rule;
  readonly allow: boolean;
  readonly obliges?: true;
}[] = [
  { name: "an allow", rule: () => allowed(), allow: true },
  { name: "an allow that comes later", rule: () => after(5, allowed()), allow: true },
  { name: "a denial for ever", rule: () => denied("credential_revoked"), allow: false },
  { name: "a denial to mend", rule: () => denied("device_quarantined"), allow: false },
  { name: "a denial that passes", rule: () => denied("facts_stale"), allow: false },
  { name: "no answer in time", rule: () => after(deadlineMs * 3, allowed()), allow: false },
  { name: "a rejection", rule: () => Promise.reject(new Error("broken")), allow: false },
  {
    name: "a throw",
    rule: () => {
      throw new Error("broken");
    },
    allow: false,
  },
  {
    name: "a rate class that the broker holds",
    rule: () => allowed({ rate_class: "standard" }),
    allow: true,
    obliges: true,
  },
  {
    name: "one that it does not",
    rule: () => allowed({ rate_class: "untrusted" }),
    allow: false,
    obliges: true,
  },
  { name: "a cap at the broker's own", rule: () => allowed({ max_qos: 1 }), allow: true, obliges: true },
  { name: "a route", rule: () => allowed({ route: "backfill" }), allow: false, obliges: true },
  { name: "a command's time", rule: () => allowed({ command_ttl_s: 60 }), allow: false, obliges: true },
  {
    name: "an unknown obligation",
    rule: () => allowed({ kneel: true } as Obligations),
    allow: false,
    obliges: true,
  },
  {
    name: "duties of the service",
    rule: () => allowed({ audit: "full", mark_reentry: true }),
    allow: true,
    obliges: true,
  },
  {
    name: "what is advisory",
    rule: () => allowed({ reattest_by: 1, notify: ["soc"] }),
    allow: true,
    obliges: true,
  },
];

for (const dialect of dialects) {
  describe(`${dialect.name} answers as the table says`, () => {
    for (const kind of kinds)
      for (const { name, rule, allow, obliges } of rows)
        it(`${kind}: ${name}`, async (context) => {
          if (obliges && kind !== "connect" && dialect.supports.asks === "at_connect")
            context.skip("a list of filters carries no obligations: those of the session are all there are");
          using opened = open(dialect, only(kind, rule));
          expect(await verdict(dialect, opened.spoken, kind)).toBe(allow);
        });

    it("verifies the secret, and knows nobody who did not connect", async () => {
      using opened = open(
        dialect,
        only("connect", () => allowed()),
      );
      expect(await opened.spoken.connect("wrong")).toBe(false);
      expect(await opened.spoken.connect("")).toBe(false);
      expect(await opened.spoken.publish()).toBe(false);
      expect(await opened.spoken.subscribe()).toBe(false);
      expect(await opened.spoken.connect()).toBe(true);
      const kept = JSON.stringify(opened.door.point.sessions.all()[0]?.subject);
      expect(kept).not.toContain("right");
    });

    it("asks what the dialect says", async (context) => {
      if (dialect.supports.asks === "at_connect") context.skip("it asks once, at connect");
      using opened = open(
        dialect,
        only("connect", () => allowed()),
      );
      await opened.spoken.connect();
      await opened.spoken.publish();
      await opened.spoken.subscribe();
      expect(opened.decider.of("publish")[0]).toMatchObject({ topic, qos: 1, retain: true });
      expect(opened.decider.of("subscribe")[0]).toMatchObject({ filter, qos: 1 });
      expect(opened.decider.of("connect").at(-1)?.subject.client_id).toBe(id);
    });

    it("ends a session that a change has undone, and denies it from then on", async () => {
      let good = true;
      const rests_on = ["device:meter-001"] as const;
      const rule = (): Decision => (good ? allowed({}, { rests_on }) : denied("device_quarantined"));
      using opened = open(dialect, only("connect", rule));
      expect(await opened.spoken.connect()).toBe(true);
      await opened.door.point.apply({ scope: "records", revision: 1, keys: ["device:meter-002"] });
      expect(await opened.spoken.publish()).toBe(true);
      good = false;
      await opened.door.point.apply({ scope: "records", revision: 2, keys: ["device:meter-001"] });
      expect(opened.kicked).toEqual([id]);
      expect(await opened.spoken.publish()).toBe(false);
      expect(await opened.spoken.subscribe()).toBe(false);
    });

    it("judges a session again when its time is over", async () => {
      const answers = [allowed({ session_ttl_s: 60 }), denied("credential_expired")];
      using opened = open(
        dialect,
        only("connect", () => answers.shift() ?? denied("credential_expired")),
      );
      expect(await opened.spoken.connect()).toBe(dialect.supports.enforces.connect.has("session_ttl_s"));
      expect(await opened.spoken.publish()).toBe(true);
      opened.clock.advance(61);
      expect(await opened.spoken.publish()).toBe(false);
      opened.door.point.sweep();
      await after(20, allowed());
      expect(opened.kicked).toEqual([id]);
    });
  });
}

it("without a way to end sessions, what needs one is a denial", async () => {
  for (const supports of [rabbit(false), verne(false), exhook(false)]) {
    expect(supports.enforces.connect.has("session_ttl_s")).toBe(false);
    expect(supports.enforces.connect.has("disconnect")).toBe(false);
  }
});

it("says on its page whether the broker itself is run", () => {
  const pages = new Map<string, Supports[]>([
    ["aedes", [aedes]],
    ["emqx", [emqx, exhook(true)]],
    ["mosquitto", [mosquitto]],
    ["nats", [nats(true)]],
    ["rabbitmq", [rabbit(true)]],
    ["vernemq", [verne(true)]],
  ]);
  const root = new URL("../../", import.meta.url);
  expect(readdirSync(new URL("docs/brokers", root)).sort()).toEqual(
    [...pages.keys()].map((name) => `${name}.md`),
  );
  for (const [name, adapters] of pages) {
    const page = readFileSync(new URL(`docs/brokers/${name}.md`, root), "utf8");
    const tests = [...page.matchAll(/`(test\/brokers\/(?!mounted)[\w-]+\.test\.ts)`/g)].map(([, test]) =>
      String(test),
    );
    for (const { broker, checked } of adapters) {
      expect(tests.length > 0, broker).toBe(checked === "with the broker");
      expect(/\bnot run\b|\bno \w+ was run\b/i.test(page), broker).toBe(checked === "by its calls");
    }
    for (const test of tests) expect(existsSync(new URL(test, root)), test).toBe(true);
  }
});
