/** Decisions to record, and a sink to look into. */
import type { Decision } from "../../src/decision/decision.ts";
import type { Peer } from "../../src/decision/identity.ts";
import type { PublishQuery, Query } from "../../src/decision/query.ts";
import type { Repeated, Tally } from "../../src/log/compose-event.ts";
import type { Evaluation } from "../../src/log/event.ts";
import type { Sink } from "../../src/log/sink.ts";

export const peer: Peer = {
  name: "broker-1",
  env: "prod",
  region: "eu-west",
  endpoint: "ep-telemetry",
  source_zone: "",
  tenants: ["*"],
  kinds: ["*"],
  may_assert: [],
};

export const publish: PublishQuery = {
  kind: "publish",
  subject: { client_id: "meter-001", proof: { type: "secret", name: "meter-001", secret: "hunter2" } },
  topic: "t/acme/d/meter-001/ops/power",
  qos: 1,
  retain: false,
};

/** A cached answer that nobody was given again yet. */
export const repeated = (tally: Tally | undefined): Repeated => ({ count: 0, tally });

let count = 0;

/** An evaluation of `query`. */
export function evaluation(allow: boolean, query: Query = publish, input?: unknown): Evaluation {
  count += 1;
  const decision: Decision = {
    allow,
    reason: allow ? "ok" : "device_unknown",
    findings: [],
    obligations: { session_ttl_s: 300 },
    valid_until: 1_800_000_000,
    bundle_revision: "r1",
    registry_revision: 7,
    registry_age_s: 2,
    decision_id: `d-${count}`,
    cached: false,
    rests_on: ["device:meter-001"],
  };
  const inputJson = input === undefined ? undefined : JSON.stringify(input);
  return { query, peer, decision, inputJson, detail: undefined, evaluationUs: 41.5 };
}

/** A sink in memory. Each write first asks `before`, which may take its time or fail. */
export class MemorySink implements Sink {
  text = "";
  writes = 0;
  closed = false;
  before: () => Promise<void> = () => Promise.resolve();

  async write(lines: string): Promise<void> {
    this.writes += 1;
    await this.before();
    if (this.closed) throw new Error("written after the end");
    this.text += lines;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  /** Everything written, parsed. */
  events(): LoggedEvent[] {
    return parseLines(this.text);
  }
}

/** An event as it stands in a log. */
export interface LoggedEvent {
  [field: string]: unknown;
  count?: number;
  type?: string;
  lost?: number;
}

/** The events of a log. */
export function parseLines(text: string): LoggedEvent[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LoggedEvent);
}

/** Decisions that the events speak for, and those that they say are lost. */
export function tallyUp(events: readonly LoggedEvent[]): { written: number; lost: number } {
  const written = events
    .filter(({ type }) => type !== "loss")
    .reduce((sum, event) => sum + (event.count ?? 1), 0);
  const lost = events.reduce((sum, event) => sum + (event.lost ?? 0), 0);
  return { written, lost };
}
