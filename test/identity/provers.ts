/** Provers and peers for the tests of identity. */
import type { Evidence, Identity, Peer } from "../../src/decision/identity.ts";
import { createProver, type Prover, type ProverParts } from "../../src/identity/prover.ts";
import { ManualClock } from "../../src/runtime/clock.ts";

export const broker: Peer = {
  name: "broker",
  env: "prod",
  region: "eu-west",
  endpoint: "ep",
  source_zone: "",
  tenants: ["*"],
  kinds: ["*"],
  may_assert: [],
};
export const trusted: Peer = { ...broker, name: "trusted", may_assert: ["credential"] };

/** A prover whose clock starts now. */
export function proverOf(
  parts: Partial<Omit<ProverParts, "clock">>,
  clock: ManualClock = clockAtNow(),
): Prover {
  return createProver({ trustDomains: [], ...parts, clock });
}

export function clockAtNow(): ManualClock {
  return new ManualClock(Math.floor(Date.now() / 1000));
}

/** The identity that evidence proves. */
export async function identityOf(prover: Prover, evidence: Evidence, peer = broker): Promise<Identity> {
  const proof = await prover.prove(evidence, peer);
  if ("refused" in proof) throw new Error(`refused: ${proof.refused}`);
  return proof.identity;
}

/** Why evidence is refused; empty: it is not. */
export async function refusalOf(prover: Prover, evidence: Evidence, peer = broker): Promise<string> {
  const proof = await prover.prove(evidence, peer);
  return "refused" in proof ? proof.refused : "";
}
