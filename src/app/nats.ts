/** What the service does over NATS, where the configuration names servers. */
import { readFile } from "node:fs/promises";
import type { Config } from "../config/config.ts";
import type { NatsNode } from "../nats/nats-node.ts";
import type { DutyLedger } from "../registry/duty-ledger.ts";
import { KeyValueSource } from "../registry/key-value-source.ts";
import { owes, ownedBy } from "../registry/owes.ts";
import type { RecordMill } from "../registry/record-mill.ts";
import type { RecordValidator } from "../registry/record-validator.ts";
import type { Registry } from "../registry/registry.ts";
import { WriteBack } from "../registry/write-back.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Closing } from "../runtime/closing.ts";
import { Fault } from "../runtime/fault.ts";
import type { KeyValue } from "../runtime/ports.ts";

type Servers = NonNullable<Config["nats"]>;

/** Connects when first needed, and again after a failure: a service starts from its disk while NATS is away. */
export class NatsLink implements AsyncDisposable {
  readonly #servers: Servers;
  #node: Promise<NatsNode> | undefined;

  constructor(servers: Servers) {
    this.#servers = servers;
  }

  async keyValue(bucket: string): Promise<KeyValue> {
    this.#node ??= this.#connect();
    try {
      return await (await this.#node).keyValue(bucket);
    } catch (thrown) {
      const node = this.#node;
      this.#node = undefined;
      await node.then((each) => each[Symbol.asyncDispose]()).catch(() => undefined);
      throw thrown;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node?.then((node) => node[Symbol.asyncDispose]()).catch(() => undefined);
  }

  async #connect(): Promise<NatsNode> {
    const { ca, cert, credentials, key, servers } = this.#servers;
    const read = (file: string): Promise<string> => readFile(file, "utf8");
    const tls = {
      ...(ca === undefined ? {} : { ca: await read(ca) }),
      ...(cert === undefined ? {} : { cert: await read(cert) }),
      ...(key === undefined ? {} : { key: await read(key) }),
    };
    const { NatsNode: Nats } = await import("../nats/nats-node.ts");
    return Nats.connect({
      servers,
      name: "sallyport",
      ...(credentials === undefined ? {} : { credentials: await read(credentials) }),
      ...(Object.keys(tls).length === 0 ? {} : { tls }),
    });
  }
}

/** Follows the configured bucket, if there is one; returns what is written back into it. Throws `config_invalid`. */
export function followBucket(
  config: Config,
  registry: Registry,
  checks: { readonly validate: RecordValidator; readonly mill: RecordMill },
  ledger: DutyLedger,
  clock: Clock,
  stack: Closing,
): WriteBack | undefined {
  const wanted = config.registry.nats;
  if (wanted === undefined) return undefined;
  if (config.nats === undefined)
    throw new Fault("config_invalid", "`registry.nats` needs `nats.servers`; name them");
  const link = stack.use(new NatsLink(config.nats));
  stack.use(
    new KeyValueSource(registry, {
      open: () => link.keyValue(wanted.bucket),
      clock,
      ...checks,
      maxLostShare: wanted.max_delete_share,
      kinds: wanted.kinds,
      tenants: wanted.tenants,
      origin: wanted.origin,
    }),
  );
  return wanted.write_back
    ? stack.use(
        new WriteBack({
          open: () => link.keyValue(wanted.bucket),
          ledger,
          records: registry,
          owes: owes(ownedBy(registry, "nats"), ledger),
        }),
      )
    : undefined;
}
