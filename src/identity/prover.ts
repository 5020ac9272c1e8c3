/** Proves who is asking: evidence in, an identity or a refusal out. */
import type { LRUCache } from "lru-cache";
import type { Approval, Credential } from "../decision/facts.ts";
import type { Evidence, Identity, Peer } from "../decision/identity.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { lruOf } from "../runtime/lru.ts";
import { readAssertion } from "./assertion.ts";
import {
  type ActorIssuer,
  type ApprovedCommand,
  AuthorityVerifier,
  type ProvenActor,
} from "./authority-proof.ts";
import { type ChainLimits, proveCertificate } from "./certificate-proof.ts";
import { chainKey, credentialKey, tokenKey } from "./evidence-key.ts";
import { SecretChecker, type SecretLimits, type SecretLookup } from "./secret-proof.ts";
import { proveToken } from "./token-proof.ts";
import { type Domain, openDomain, type TrustDomain } from "./trust-domain.ts";

export type { ActorIssuer, ApprovedCommand, ProvenActor } from "./authority-proof.ts";
export type { SecretEntry, SecretLookup } from "./secret-proof.ts";
export type { TrustDomain } from "./trust-domain.ts";

/** Why evidence proves nothing: for the log, without secrets. */
export interface Refused {
  readonly refused: string;
}

/** The outcome of a proof. The same evidence yields the same object while it is remembered. */
export type Proof = { readonly identity: Identity } | Refused;

/** Bounds on what is read and remembered. */
export interface ProverLimits extends ChainLimits {
  /** Longest token or secret, in UTF-16 units. */
  readonly tokenBytes: number;
  /** Proofs that are remembered. */
  readonly cacheEntries: number;
}

/** Bounds where nothing is said. */
export const defaultProverLimits: ProverLimits = {
  chainCertificates: 8,
  certificateBytes: 16_384,
  tokenBytes: 16_384,
  cacheEntries: 50_000,
};

/** Parts of a prover. */
export interface ProverParts {
  readonly trustDomains: readonly TrustDomain[];
  /** Who signs the tokens of people and services; absent: such tokens are refused. */
  readonly actors?: ActorIssuer | undefined;
  /** Finds the secrets under a name in the registry; absent: secrets are refused. */
  readonly secretsOf?: SecretLookup;
  readonly clock: Clock;
  readonly limits?: ProverLimits;
}

/** Proves identities. A name alone proves nothing. */
export interface Prover {
  /**
   * Verifies evidence that `peer` passed on. Synchronous for certificates, assertions, and whatever was verified
   * before. Where no verdict can be reached (too many secrets at once) it throws or rejects with `overloaded`.
   */
  prove(evidence: Evidence, peer: Peer): Proof | Promise<Proof>;
  /** Verifies the token of a person or service. Never rejects. */
  proveActor(token: string): Promise<ProvenActor | Refused>;
  /** Verifies a consent to exactly this command. Never rejects. */
  proveApproval(token: string, command: ApprovedCommand): Promise<Approval | Refused>;
  /** Puts other trust in force and forgets every proof made under the old one. Throws `config_invalid`; then nothing changes. */
  trust(next: Pick<ProverParts, "trustDomains" | "actors">): void;
}

/** A remembered proof; holds until `until`, unix seconds. */
interface Remembered {
  readonly proof: Proof;
  readonly until: number;
}

interface Trust {
  readonly domains: readonly Domain[];
  readonly authority: AuthorityVerifier | undefined;
}

/** For how long a refusal is remembered, in seconds. */
const refusedS = 10;
const secretLimits: SecretLimits = { running: 2, waiting: 128, remembered: 10_000, rememberedS: 60 };

function openTrust({ trustDomains, actors }: Pick<ProverParts, "trustDomains" | "actors">): Trust {
  const names = new Set<string>();
  for (const { name, issuer, audience } of trustDomains) {
    if (names.has(name)) throw new Fault("config_invalid", `trust domain \`${name}\` is there twice`);
    names.add(name);
    if (actors !== undefined && issuer === actors.issuer && audience === actors.audience) {
      const clash = `trust domain \`${name}\` and \`actors\` have one issuer and audience`;
      throw new Fault("config_invalid", `${clash}: a device's token would pass for a person's`);
    }
  }
  return {
    domains: trustDomains.map(openDomain),
    authority: actors === undefined ? undefined : new AuthorityVerifier(actors),
  };
}

function toRefused(thrown: unknown): Refused {
  if (thrown instanceof Fault && thrown.code === "proof_invalid") return { refused: thrown.message };
  throw thrown;
}

/** Opens a prover. Throws `config_invalid`. */
export function createProver(parts: ProverParts): Prover {
  return new CachingProver(parts);
}

class CachingProver implements Prover {
  readonly #clock: Clock;
  readonly #limits: ProverLimits;
  readonly #secrets: SecretChecker | undefined;
  #trust: Trust;
  /** Proofs of chains and tokens by digest. Refusals have their own, so that garbage does not flush them. */
  readonly #proven: LRUCache<string, Remembered>;
  readonly #refused: LRUCache<string, Remembered>;
  /** Identities by what they say, so that equal ones are one object. */
  readonly #identities: LRUCache<string, { readonly identity: Identity }>;
  readonly #running = new Map<string, Promise<Proof>>();

  constructor(parts: ProverParts) {
    this.#clock = parts.clock;
    this.#limits = parts.limits ?? defaultProverLimits;
    this.#trust = openTrust(parts);
    const { secretsOf, clock } = parts;
    this.#secrets = secretsOf === undefined ? undefined : new SecretChecker(secretsOf, clock, secretLimits);
    const max = this.#limits.cacheEntries;
    this.#proven = lruOf(max);
    this.#refused = lruOf(Math.ceil(max / 10));
    this.#identities = lruOf(max);
  }

  prove(evidence: Evidence, peer: Peer): Proof | Promise<Proof> {
    switch (evidence.type) {
      case "x509":
        return this.#proveChain(evidence.chain);
      case "jwt":
        return this.#proveToken(evidence.token);
      case "secret":
        return this.#proveSecret(evidence.name, evidence.secret);
      case "asserted":
        return this.#proveAsserted(evidence.credential, peer);
      default:
        return evidence satisfies never;
    }
  }

  async proveActor(token: string): Promise<ProvenActor | Refused> {
    try {
      return await this.#authority(token).actor(token, this.#clock.now());
    } catch (thrown) {
      return toRefused(thrown);
    }
  }

  async proveApproval(token: string, command: ApprovedCommand): Promise<Approval | Refused> {
    try {
      return await this.#authority(token).approval(token, command, this.#clock.now());
    } catch (thrown) {
      return toRefused(thrown);
    }
  }

  trust(next: Pick<ProverParts, "trustDomains" | "actors">): void {
    this.#trust = openTrust(next);
    this.#proven.clear();
    this.#refused.clear();
    this.#running.clear();
    this.#secrets?.clear();
  }

  #authority(token: string): AuthorityVerifier {
    if (token.length > this.#limits.tokenBytes) throw new Fault("proof_invalid", "the token is too long");
    const { authority } = this.#trust;
    if (authority !== undefined) return authority;
    throw new Fault("proof_invalid", "no issuer of actor tokens is configured");
  }

  #proveChain(chain: readonly Uint8Array[]): Proof {
    const { chainCertificates, certificateBytes } = this.#limits;
    const now = this.#clock.now();
    // What is over the limits is not worth a digest.
    if (chain.length > chainCertificates || chain.some((der) => der.length > certificateBytes)) {
      return { refused: `a chain may have ${chainCertificates} certificates of ${certificateBytes} bytes` };
    }
    const key = chainKey(chain);
    const remembered = this.#recall(key, now);
    if (remembered !== undefined) return remembered;
    try {
      const { credential, until } = proveCertificate(chain, this.#trust.domains, this.#limits, now);
      return this.#remember(key, credential, until);
    } catch (thrown) {
      return this.#refuse(key, thrown, now);
    }
  }

  #proveToken(token: string): Proof | Promise<Proof> {
    if (token.length > this.#limits.tokenBytes) return { refused: "the token is too long" };
    const key = tokenKey(token);
    const now = this.#clock.now();
    const remembered = this.#recall(key, now);
    if (remembered !== undefined) return remembered;
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const trust = this.#trust;
    const proof = proveToken(token, trust.domains).then(
      // A verdict under trust that was replaced meanwhile is answered, but not remembered.
      (credential) =>
        trust === this.#trust
          ? this.#remember(key, credential, Infinity)
          : { identity: this.#intern(credential).identity },
      (thrown: unknown) => (trust === this.#trust ? this.#refuse(key, thrown, now) : toRefused(thrown)),
    );
    this.#running.set(key, proof);
    const done = (): void => {
      if (this.#running.get(key) === proof) this.#running.delete(key);
    };
    proof.then(done, done);
    return proof;
  }

  #proveSecret(name: string, secret: string): Proof | Promise<Proof> {
    if (this.#secrets === undefined) return { refused: "secrets are not accepted" };
    if (secret.length > this.#limits.tokenBytes) return { refused: "the secret is too long" };
    try {
      const credential = this.#secrets.prove(name, secret);
      if (!(credential instanceof Promise)) return this.#intern(credential);
      return credential.then((proven) => this.#intern(proven), toRefused);
    } catch (thrown) {
      return toRefused(thrown);
    }
  }

  #proveAsserted(given: Credential, peer: Peer): Proof {
    if (!peer.may_assert.includes("credential")) {
      return { refused: `peer \`${peer.name}\` may not vouch for credentials` };
    }
    const known = this.#identities.get(credentialKey(given));
    if (known !== undefined) return known;
    try {
      return this.#intern(readAssertion(given));
    } catch (thrown) {
      return toRefused(thrown);
    }
  }

  #recall(key: string, now: number): Proof | undefined {
    const found = this.#proven.get(key) ?? this.#refused.get(key);
    return found !== undefined && now <= found.until ? found.proof : undefined;
  }

  #remember(key: string, credential: Credential, until: number): Proof {
    const proof = this.#intern(credential);
    this.#proven.set(key, { proof, until });
    return proof;
  }

  #refuse(key: string, thrown: unknown, now: number): Proof {
    const proof = toRefused(thrown);
    this.#proven.delete(key);
    this.#refused.set(key, { proof, until: now + refusedS });
    return proof;
  }

  #intern(credential: Credential): { readonly identity: Identity } {
    const key = credentialKey(credential);
    let known = this.#identities.get(key);
    if (known === undefined) this.#identities.set(key, (known = { identity: { key, credential } }));
    return known;
  }
}
