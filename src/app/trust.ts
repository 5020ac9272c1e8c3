/** Reads the files that the configuration's trust names: roots and key sets. */
import { readFile } from "node:fs/promises";
import type { Config } from "../config/config.ts";
import { createProver, type Prover, type ProverParts, type TrustDomain } from "../identity/prover.ts";
import type { RecordReader } from "../registry/stored-record.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { secretsIn } from "./parts.ts";

const certificateBytes = 16_384;
const proofCacheEntries = 50_000;

async function text(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    throw Fault.from(thrown, "config_invalid", `cannot read ${what} \`${path}\``);
  }
}

async function json(path: string, what: string): Promise<unknown> {
  const content = await text(path, what);
  try {
    return JSON.parse(content) as unknown;
  } catch (thrown) {
    throw Fault.from(thrown, "config_invalid", `${what} \`${path}\` is not JSON`);
  }
}

/** The configured trust domains with the contents of their files. Throws `config_invalid`. */
async function readTrustDomains(config: Config): Promise<readonly TrustDomain[]> {
  return Promise.all(
    config.trust_domains.map(async ({ roots, jwks, ...domain }) => ({
      ...domain,
      ...(roots === undefined ? {} : { roots: await text(roots, "root certificates") }),
      ...(jwks === undefined ? {} : { jwks: await json(jwks, "key set") }),
    })),
  );
}

/** Who signs tokens of people and services, if anybody. Throws `config_invalid`. */
async function readActors(config: Config): Promise<ProverParts["actors"]> {
  if (config.actors === undefined) return undefined;
  const { issuer, audience, jwks } = config.actors;
  return { issuer, audience, jwks: await json(jwks, "key set") };
}

/** What proves who asks, as the configuration trusts. Throws `config_invalid`. */
export async function openProver(config: Config, records: RecordReader, clock: Clock): Promise<Prover> {
  const actors = await readActors(config);
  return createProver({
    trustDomains: await readTrustDomains(config),
    ...(actors === undefined ? {} : { actors }),
    secretsOf: secretsIn(records),
    clock,
    limits: {
      chainCertificates: config.limits.chain_certificates,
      certificateBytes,
      tokenBytes: config.limits.token_bytes,
      cacheEntries: proofCacheEntries,
    },
  });
}
