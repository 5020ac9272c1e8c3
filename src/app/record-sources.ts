/** The configured sources of records. */
import { readFile } from "node:fs/promises";
import type { Config, HttpSourceConfig } from "../config/config.ts";
import type { DutyLedger } from "../registry/duty-ledger.ts";
import { createEarReader } from "../registry/ear.ts";
import { RecordMill } from "../registry/record-mill.ts";
import { createRecordValidator, type RecordValidator, recordKinds } from "../registry/record-validator.ts";
import type { Registry } from "../registry/registry.ts";
import { RegistryFile } from "../registry/registry-file.ts";
import { RegistryHttp } from "../registry/registry-http.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Closing } from "../runtime/closing.ts";
import { Fault } from "../runtime/fault.ts";
import type { Metric } from "../runtime/ports.ts";
import { dutyMetric, startDuties } from "./duties.ts";
import { followBucket } from "./nats.ts";

async function textOf(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : readFile(path, "utf8");
}

async function credentialsOf({ tls, token_file }: HttpSourceConfig) {
  const [token, ca, cert, key] = await Promise.all([token_file, tls?.ca, tls?.cert, tls?.key].map(textOf));
  return {
    token: token?.trim(),
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

/** How records are checked, whichever source they are of. */
interface Checks {
  readonly validate: RecordValidator;
  readonly mill: RecordMill;
}

/** Throws `config_invalid`. */
async function checksOf({ registry: { attestation } }: Config): Promise<Checks> {
  const verifiers = await Promise.all(
    attestation.verifiers.map(async ({ jwks, name }) => {
      try {
        return { name, jwks: JSON.parse(await readFile(jwks, "utf8")) as unknown };
      } catch (thrown) {
        throw Fault.from(
          thrown,
          "config_invalid",
          `cannot read the keys of verifier \`${name}\` in \`${jwks}\``,
        );
      }
    }),
  );
  const signedOnly = attestation.signed_only;
  const validate = createRecordValidator({ ear: createEarReader(verifiers), signedOnly });
  return { validate, mill: new RecordMill({ validate, verifiers, signedOnly }) };
}

/** The first record of a kind waits for its validator, and so does all else: they are compiled soon after the start. */
function compileSoon(validate: RecordValidator): () => void {
  const left = [...recordKinds];
  const timer = setInterval(() => {
    const kind = left.shift();
    if (kind === undefined) clearInterval(timer);
    else validate(kind, undefined);
  }, betweenKindsMs);
  timer.unref();
  return () => clearInterval(timer);
}

const betweenKindsMs = 500;

/** The sources at work. */
export interface RecordSources {
  readonly validate: RecordValidator;
  readonly mill: RecordMill;
  readonly metrics: readonly Metric[];
  /** Looks at the file now. */
  look(): Promise<void>;
}

/** Starts them; a file has been read when it resolves. Throws `config_invalid` where two claim the same records. */
export async function startRecordSources(
  config: Config,
  registry: Registry,
  ledger: DutyLedger,
  clock: Clock,
  stack: Closing,
): Promise<RecordSources> {
  const { mill, validate } = await checksOf(config);
  stack.use(mill);
  stack.defer(compileSoon(validate));
  const { file, http } = config.registry;
  const source =
    file === undefined
      ? undefined
      : stack.use(
          await RegistryFile.open(registry, {
            path: file.path,
            clock,
            pollMs: file.poll_s * 1000,
            maxLostShare: file.max_delete_share,
            validate,
            mill,
            kinds: file.kinds,
            tenants: file.tenants,
            origin: file.origin,
          }),
        );
  for (const each of http)
    stack
      .use(
        new RegistryHttp(registry, {
          name: `http:${each.name}`,
          url: new URL(each.url),
          clock,
          validate,
          mill,
          pollMs: each.poll_s * 1000,
          backoffMs: each.backoff_s * 1000,
          silenceMs: each.silence_s * 1000,
          maxLostShare: each.max_delete_share,
          random: Math.random,
          credentials: () => credentialsOf(each),
          kinds: each.kinds,
          tenants: each.tenants,
          origin: each.origin,
        }),
      )
      .start();
  const bucket = followBucket(config, registry, { mill, validate }, ledger, clock, stack);
  const duties = new Map(startDuties(config, registry, ledger, credentialsOf, stack));
  if (bucket !== undefined) duties.set("nats", bucket);
  return { validate, mill, metrics: [dutyMetric(duties)], look: async () => void (await source?.look()) };
}
