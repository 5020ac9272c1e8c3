/** Parts of the service that the configuration chooses between. */
import type { Config } from "../config/config.ts";
import type { SecretEntry } from "../identity/prover.ts";
import { compilePath } from "../identity/spiffe.ts";
import { FileSink } from "../log/file-sink.ts";
import type { Sink } from "../log/sink.ts";
import { streamSink } from "../log/stream-sink.ts";
import { RateLimits } from "../pdp/rate-limits.ts";
import { defaultSpiffeNaming, type SpiffeNaming } from "../registry/index-terms.ts";
import type { RecordReader } from "../registry/stored-record.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import type { Rate } from "../runtime/token-bucket.ts";
import type { Address } from "../server/address.ts";
import type { PeerEntry } from "../server/peers.ts";

/** Where the decision log goes; `undefined`: nowhere. Throws `config_invalid`. */
export function decisionSink(config: Config): Sink | undefined {
  const { sink, path, max_bytes, keep } = config.decision_log;
  switch (sink) {
    case "none":
      return undefined;
    case "stdout":
      return streamSink(process.stdout);
    case "file":
      if (path === undefined)
        throw new Fault("config_invalid", "`decision_log.path` is missing; name the file");
      return new FileSink({ path, maxBytes: max_bytes, keep });
    default:
      return sink satisfies never;
  }
}

/** The configured peers as the listeners match them. */
export function peerEntries(config: Config): readonly PeerEntry[] {
  return config.peers.map(({ match, zone, ...peer }) => ({ match, peer: { ...peer, source_zone: zone } }));
}

/** Splits `host:port`; the configuration has checked it. */
export function addressOf(listen: string): Address {
  const colon = listen.lastIndexOf(":");
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(listen.slice(colon + 1)) };
}

/** SPIFFE ids of devices, by the paths of their trust domains. */
export function spiffeNaming({ trust_domains }: Config): SpiffeNaming {
  const paths = new Map(trust_domains.map(({ name, spiffe_path }) => [name, spiffe_path]));
  const templates = new Map(trust_domains.map(({ name, spiffe_path }) => [name, compilePath(spiffe_path)]));
  return {
    version: JSON.stringify([defaultSpiffeNaming.version, ...paths]),
    of: (device) => {
      const path = paths.get(device.trust_domain);
      if (path === undefined) return defaultSpiffeNaming.of(device);
      const filled = path.replace("{tenant}", () => device.tenant).replace("{device}", () => device.id);
      return `spiffe://${device.trust_domain}${filled}`;
    },
    deviceIn: (spiffeId) => {
      const [, domain = "", path = ""] = /^spiffe:\/\/([^/]*)(\/.*)$/s.exec(spiffeId) ?? [];
      const template = templates.get(domain);
      return template === undefined ? defaultSpiffeNaming.deviceIn(spiffeId) : template.match(path)?.device;
    },
  };
}

/** The secrets that may be presented under a name: those of the device or service record of that name. */
export function secretsIn(records: RecordReader): (name: string) => readonly SecretEntry[] {
  return (name) => {
    const holder = records.device(name)?.record ?? records.service(name)?.record;
    if (holder === undefined) return [];
    const { id, tenant, trust_domain } = holder;
    return Object.entries(holder.credentials)
      .filter(([, record]) => record.verifier !== undefined)
      .map(([fingerprint, record]) => ({ fingerprint, record, device_id: id, tenant, trust_domain }));
  };
}

/** The token buckets of the decider; `undefined`: no limit is configured. */
export function rateLimits(config: Config, clock: Clock): RateLimits | undefined {
  const { per_credential, per_peer, max_buckets, reserved_share, reserved_topics } = config.rate_limits;
  if (per_credential.per_s === 0 && per_peer.per_s === 0) return undefined;
  const rate = ({ per_s, burst }: { per_s: number; burst: number }): Rate | undefined =>
    per_s === 0 ? undefined : { perSecond: per_s, burst };
  return new RateLimits({
    perCredential: rate(per_credential),
    perPeer: rate(per_peer),
    maxBuckets: max_buckets,
    reservedShare: reserved_share,
    reservedTopics: reserved_topics,
    monotonicMs: clock.monotonicMs,
  });
}
