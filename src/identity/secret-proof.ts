/** From a name with a secret to the facts of a credential. */
import { createHmac, randomBytes } from "node:crypto";
import type { LRUCache } from "lru-cache";
import type { Credential, CredentialRecord } from "../decision/facts.ts";
import { isSafeId } from "../decision/ids.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { lruOf } from "../runtime/lru.ts";
import { Gate, type GateLimits } from "./gate.ts";
import { checkSecret, isUsableSecret } from "./verifier.ts";

/** A shared secret that the registry knows, under a name. */
export interface SecretEntry {
  readonly fingerprint: string;
  readonly record: CredentialRecord;
  readonly tenant: string;
  readonly trust_domain: string;
  /** Device id, or the name of a secret that several devices share. */
  readonly device_id: string;
}

/** Finds the secrets under a name; none where the name is unknown. Synchronous, from memory. */
export type SecretLookup = (name: string) => readonly SecretEntry[];

/** Bounds on the checking of secrets. */
export interface SecretLimits extends GateLimits {
  /** Checked secrets that are remembered. */
  readonly remembered: number;
  /** For how long, in seconds. */
  readonly rememberedS: number;
}

/** Most secrets under one name that are tried. */
const maxKnown = 4;

const types: readonly unknown[] = ["psk", "shared_token", "claim"];

/** What a check found: which verifier matched (`undefined`: none of `tried`), until `until` (monotonic ms). */
interface Checked {
  readonly matched: string | undefined;
  readonly tried: string;
  readonly until: number;
}

function toCredential({ record, fingerprint, tenant, trust_domain, device_id }: SecretEntry): Credential {
  const { type, not_before, not_after, claim } = record;
  if (type === undefined || not_before === undefined || not_after === undefined) {
    throw new Fault("proof_invalid", "the record of the secret lacks its type or its validity");
  }
  return {
    type,
    trust_domain,
    device_id,
    tenant,
    fingerprint,
    not_before,
    not_after,
    key_protection: record.key_protection ?? "software",
    usage: record.usage ?? "telemetry",
    ...(type === "claim" && claim !== undefined ? { claim } : {}),
  };
}

const wrong = (): Fault => new Fault("proof_invalid", "the name or the secret is wrong");

/** Checks secrets, a bounded number at a time, and remembers the outcome under a key of this process alone. */
export class SecretChecker {
  readonly #lookUp: SecretLookup;
  readonly #clock: Clock;
  readonly #limits: SecretLimits;
  readonly #gate: Gate;
  readonly #key = randomBytes(32);
  readonly #checked: LRUCache<string, Checked>;
  readonly #running = new Map<string, Promise<Checked>>();

  constructor(lookUp: SecretLookup, clock: Clock, limits: SecretLimits) {
    this.#lookUp = lookUp;
    this.#clock = clock;
    this.#limits = limits;
    this.#gate = new Gate(limits);
    this.#checked = lruOf(limits.remembered);
  }

  /**
   * Facts of the secret's record as it is now. Synchronous where the same secret was checked against the same
   * verifiers a moment ago. @throws Fault `proof_invalid`, `overloaded`
   */
  prove(name: string, secret: string): Credential | Promise<Credential> {
    if (!isSafeId(name) || !isUsableSecret(secret)) throw wrong();
    const known = this.#lookUp(name).filter(
      ({ record }) => record.verifier !== undefined && types.includes(record.type),
    );
    const candidates = known.slice(0, maxKnown);
    const tried = candidates.map(({ record }) => record.verifier).join(" ");
    const key = createHmac("sha256", this.#key).update(`${name.length}:${name}${secret}`).digest("base64url");
    const remembered = this.#checked.get(key);
    if (remembered?.tried === tried && this.#clock.monotonicMs() < remembered.until) {
      return conclude(candidates, remembered);
    }
    const slot = `${key} ${tried}`;
    let check = this.#running.get(slot);
    if (check === undefined) {
      check = this.#check(secret, candidates, tried).finally(() => this.#running.delete(slot));
      this.#running.set(slot, check);
    }
    return check.then((checked) => {
      this.#checked.set(key, checked);
      return conclude(candidates, checked);
    });
  }

  /** Forgets every check. */
  clear(): void {
    this.#checked.clear();
  }

  #check(secret: string, candidates: readonly SecretEntry[], tried: string): Promise<Checked> {
    return this.#gate.pass(async () => {
      let matched: string | undefined;
      // All are tried, at least one, so that the time does not tell which one it was.
      for (const verifier of candidates.length === 0
        ? [undefined]
        : candidates.map((each) => each.record.verifier)) {
        if (await checkSecret(secret, verifier)) matched ??= verifier;
      }
      return { matched, tried, until: this.#clock.monotonicMs() + this.#limits.rememberedS * 1000 };
    });
  }
}

function conclude(candidates: readonly SecretEntry[], { matched }: Checked): Credential {
  const found =
    matched === undefined ? undefined : candidates.find((each) => each.record.verifier === matched);
  if (found === undefined) throw wrong();
  return toCredential(found);
}
