/** In one process: `decide()` from the cache and without, against the raw evaluation of the same input. */
import type { PublishQuery } from "../src/decision/query.ts";
import type { Evaluation } from "../src/log/event.ts";
import { ManualClock } from "../src/runtime/clock.ts";
import { FactsTable } from "../test/facts-table.ts";
import { corePdp } from "../test/pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../test/records.ts";
import { shippedBundle, shippedSnapshot } from "../test/shipped.ts";
import { interleavedUs } from "./measure.ts";
import { rawPolicy } from "./raw-policy.ts";

/** Times in microseconds. */
export interface InProcess {
  readonly input_bytes: number;
  readonly hit_1k_us: number;
  readonly hit_40k_us: number;
  readonly miss_us: number;
  readonly raw_wasm_us: number;
}

const start = 1_800_000_000;
const devices = 40_000;

/** Measures. Every call is checked once to be what it claims to be. */
export function measureInProcess(): InProcess {
  const facts = new FactsTable();
  facts.watermark = start;
  let last: Evaluation | undefined;
  const pdp = corePdp(
    facts,
    new ManualClock(start),
    { max_subjects: devices * 2, max_denied_subjects: 1000, max_answers_per_subject: 64 },
    (record) => {
      last = record;
    },
  );
  pdp.activate(shippedSnapshot());
  facts.put("tenant:acme", tenantRecord("acme"));
  facts.put("firmware_policy:acme/meter", floorRecord("acme", "meter", start));
  const decider = pdp.decider(brokerPeer);
  const queries: PublishQuery[] = [];
  for (let i = 0; i < devices; i++) {
    const id = `meter-${i}`;
    facts.put(`device:${id}`, deviceRecord(id, start));
    queries.push({
      kind: "publish",
      subject: { client_id: id, proof: { key: id, credential: certificateFacts(id, start) } },
      topic: `t/acme/d/${id}/ops/temp`,
      qos: 0,
      retain: false,
    });
  }
  for (const query of queries) mustAllow(decider.decide(query));
  const order = queries.map((_query, i) => (i * 7919) % devices);
  let fresh = 0;
  const miss = (): unknown =>
    decider.decide({ ...(queries[0] as PublishQuery), topic: `t/acme/d/meter-0/ops/${(fresh += 1)}` });
  mustAllow(miss());
  const inputJson = last?.inputJson ?? "{}";
  const input: unknown = JSON.parse(inputJson);
  const raw = rawPolicy(shippedBundle.wasm, shippedBundle.data);
  const times = interleavedUs({
    hit1k: (i) => decider.decide(queries[i % 1000] as PublishQuery),
    hit40k: (i) => decider.decide(queries[order[i % devices] as number] as PublishQuery),
    miss,
    raw: () => raw.evaluate(input, "sallyport/publish"),
  });
  return {
    input_bytes: Buffer.byteLength(inputJson),
    hit_1k_us: times["hit1k"] as number,
    hit_40k_us: times["hit40k"] as number,
    miss_us: times["miss"] as number,
    raw_wasm_us: times["raw"] as number,
  };
}

function mustAllow(decision: unknown): void {
  if ((decision as { allow?: boolean }).allow !== true) {
    throw new Error(`the bench expects an allow, not ${JSON.stringify(decision)}`);
  }
}
