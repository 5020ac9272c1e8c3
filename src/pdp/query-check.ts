/** What makes a question malformed, before any policy sees it. */
import { isSafeId } from "../decision/ids.ts";
import type { Query } from "../decision/query.ts";
import type { DenyReason } from "../decision/reasons.ts";

/** Limits on a question. */
export interface QueryLimits {
  /** Longest topic or filter, in UTF-8 bytes. */
  readonly topic_bytes: number;
  /** Most approvals of one command. */
  readonly approvals: number;
}

/** Limits used where the configuration says nothing. */
export const defaultQueryLimits: QueryLimits = { topic_bytes: 1024, approvals: 16 };

function isQos(value: number): boolean {
  return value === 0 || value === 1 || value === 2;
}

function checkTopic(topic: string, limits: QueryLimits): DenyReason | undefined {
  if (typeof topic !== "string" || topic === "") return "bad_request";
  if (Buffer.byteLength(topic) > limits.topic_bytes) return "bad_request";
  // [MQTT-1.5.4-1] no surrogates, [MQTT-1.5.4-2] no U+0000.
  if (!topic.isWellFormed() || topic.includes("\0")) return "topic_invalid";
  return undefined;
}

function isTime(value: number | undefined): boolean {
  return value === undefined || (Number.isSafeInteger(value) && value >= 0);
}

/** The reason why `query` is malformed, or `undefined` where it is not. */
export function checkQuery(query: Query, limits: QueryLimits): DenyReason | undefined {
  switch (query.kind) {
    case "connect": {
      if (!isTime(query.device_time)) return "bad_request";
      if (query.will === undefined) return undefined;
      return isQos(query.will.qos) ? checkTopic(query.will.topic, limits) : "bad_request";
    }
    case "publish":
      if (!isQos(query.qos) || !isTime(query.occurred_at) || !isTime(query.seq)) return "bad_request";
      return checkTopic(query.topic, limits);
    case "subscribe":
      return isQos(query.qos) ? checkTopic(query.filter, limits) : "bad_request";
    case "command":
      if (!isSafeId(query.device_id) || !isSafeId(query.command)) return "bad_request";
      if (query.via !== undefined && !isSafeId(query.via)) return "bad_request";
      return query.approvals.length > limits.approvals ? "bad_request" : undefined;
    case "consume":
      return checkTopic(query.filter, limits);
    case "ota":
      if (!isSafeId(query.device_id)) return "bad_request";
      return query.release === "" || isSafeId(query.release) ? undefined : "bad_request";
    default:
      return query satisfies never;
  }
}
