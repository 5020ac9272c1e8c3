/** The questions that all peers of the comparison are asked: devices that differ in one fact each, and what each may do. */
import type { PublishQuery } from "../../src/decision/query.ts";
import type { Evaluation } from "../../src/log/event.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import type { Json } from "../../test/cases/table.ts";
import { FactsTable } from "../../test/facts-table.ts";
import { corePdp } from "../../test/pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../../test/records.ts";
import { shippedSnapshot } from "../../test/shipped.ts";

/** One question, and the policy input that Sallyport makes of it. */
export interface Question {
  readonly what: string;
  readonly allow: boolean;
  readonly query: PublishQuery;
  readonly input: {
    readonly request: Readonly<Record<string, unknown>>;
    readonly device: unknown;
    readonly credential: unknown;
    readonly [name: string]: unknown;
  };
}

const cases: readonly { what: string; patch?: Json; topic?: string; allow?: true }[] = [
  { what: "a healthy device", allow: true },
  { what: "quarantined", patch: { state: { quarantine: { active: true } } } },
  { what: "firmware below the floor", patch: { firmware: { key: 1_999_000 } } },
  { what: "firmware that is blocked", patch: { firmware: { key: 2_003_007 } } },
  { what: "credential revoked", patch: { credentials: { "fp-meter-4": { status: "revoked" } } } },
  { what: "not active", patch: { state: { lifecycle: "retired" } } },
  { what: "topic of another device", topic: "t/acme/d/meter-0/ops/temp" },
  { what: "stream that devices do not publish", topic: "t/acme/d/meter-7/cmd/x" },
  { what: "in safe mode", patch: { state: { lifecycle: "safe_mode" } } },
  { what: "debug firmware", patch: { firmware: { channel: "debug" } } },
];

/** Patches of the fleet by device. */
export const patches: Readonly<Record<string, Json>> = Object.fromEntries(
  cases.map(({ patch }, i) => [`meter-${i}`, patch ?? {}]),
);

/** The questions; Sallyport's own answers are checked to be as listed. */
export function questions(now: number): Question[] {
  const facts = new FactsTable();
  facts.watermark = now;
  let last: Evaluation | undefined;
  const sizes = { max_subjects: 100, max_denied_subjects: 100, max_answers_per_subject: 8 };
  const pdp = corePdp(facts, new ManualClock(now), sizes, (evaluation) => {
    last = evaluation;
  });
  pdp.activate(shippedSnapshot());
  facts.put("tenant:acme", tenantRecord("acme"));
  facts.put("firmware_policy:acme/meter", floorRecord("acme", "meter", now));
  const decider = pdp.decider(brokerPeer);
  return cases.map(({ allow = false, patch, topic, what }, i) => {
    const id = `meter-${i}`;
    facts.put(`device:${id}`, deviceRecord(id, now, patch));
    const credential = certificateFacts(id, now);
    const query: PublishQuery = {
      kind: "publish",
      subject: { client_id: id, proof: { key: id, credential } },
      topic: topic ?? `t/acme/d/${id}/ops/temp`,
      qos: 0,
      retain: false,
    };
    const decision = decider.decide(query);
    if (decision instanceof Promise || decision.allow !== allow)
      throw new Error(`${what}: expected ${allow}, not ${JSON.stringify(decision)}`);
    return { what, allow, query, input: JSON.parse(last?.inputJson ?? "{}") as Question["input"] };
  });
}
