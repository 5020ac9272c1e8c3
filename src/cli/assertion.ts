/** Credentials that the caller vouches for. */
import type { Credential } from "../decision/facts.ts";
import { parseMoment } from "./moment.ts";
import { parseBoolean, parseChoice, parsePairs, parseWords } from "./pairs.ts";

const types = ["x509", "jwt", "psk", "gateway_asserted", "shared_token", "claim"] as const;
const protections = ["software", "secure_element", "tpm", "tee"] as const;
const usages = ["telemetry", "control"] as const;
const names = [
  "type",
  "trust_domain",
  "device_id",
  "tenant",
  "fingerprint",
  "not_before",
  "not_after",
  "key_protection",
  "usage",
  "claim_devices",
  "claim_single_use",
  "claim_used",
] as const;
const required = ["trust_domain", "device_id", "tenant", "fingerprint"] as const;

const hour = 3600;
const day = 24 * hour;

/**
 * Validity of an asserted credential where nothing is said: from a day ago to in 30 days, by the last full hour,
 * so that the same question asked twice is the same question to the cache. Unix seconds.
 */
export function defaultValidity(now: number): { readonly from: number; readonly to: number } {
  const start = now - (now % hour);
  return { from: start - day, to: start + 30 * day };
}

/**
 * Reads `type=x509,trust_domain=...,device_id=...,tenant=...,fingerprint=...,not_before=-1d,not_after=+30d`.
 * @param now unix seconds
 * @throws Fault `request_invalid`
 */
export function parseAssertion(option: string, text: string, now: number): Credential {
  const pairs = parsePairs(option, text, names, required);
  const { from, to } = defaultValidity(now);
  const moment = (name: "not_before" | "not_after", otherwise: number): number => {
    const given = pairs[name];
    return given === undefined ? otherwise : parseMoment(given, now, name);
  };
  const type = parseChoice("type", pairs.type ?? "x509", types);
  const devices = pairs.claim_devices;
  return {
    type,
    trust_domain: pairs.trust_domain ?? "",
    device_id: pairs.device_id ?? "",
    tenant: pairs.tenant ?? "",
    fingerprint: pairs.fingerprint ?? "",
    not_before: moment("not_before", from),
    not_after: moment("not_after", to),
    key_protection: parseChoice("key_protection", pairs.key_protection ?? "software", protections),
    usage: parseChoice("usage", pairs.usage ?? "telemetry", usages),
    ...(type === "claim"
      ? {
          claim: {
            single_use: parseBoolean("claim_single_use", pairs.claim_single_use ?? "true"),
            used: parseBoolean("claim_used", pairs.claim_used ?? "false"),
            device_ids: parseWords(devices ?? ""),
          },
        }
      : {}),
  };
}
