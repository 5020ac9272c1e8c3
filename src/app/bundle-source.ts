/** The configured source of bundles. */
import { readFile } from "node:fs/promises";
import { BundleBlobs, type BundleBlobsOptions } from "../bundle/bundle-blobs.ts";
import { BundleFile } from "../bundle/bundle-file.ts";
import { BundleHttp } from "../bundle/bundle-http.ts";
import type { Config } from "../config/config.ts";
import type { BundlePipeline } from "../pdp/bundle-pipeline.ts";
import { Fault } from "../runtime/fault.ts";

/** A source that hands over bundles until it is disposed of. */
export interface BundleSource extends AsyncDisposable {
  /** Begins. A file that is there has been dealt with when this resolves; a server is not waited for. */
  start(): Promise<void> | void;
}

type ClientFiles = { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;

async function textOf(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : readFile(path, "utf8");
}

async function readTls(files: ClientFiles): Promise<{ ca?: string; cert?: string; key?: string }> {
  const [ca, cert, key] = await Promise.all([textOf(files?.ca), textOf(files?.cert), textOf(files?.key)]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function natsSource(
  { servers, bucket, name, credentials_file, tls, backoff_s }: NonNullable<Config["bundle"]["nats"]>,
  common: Pick<BundleBlobsOptions, "pollMs" | "onOffer" | "onFault">,
): BundleSource {
  return new BundleBlobs({
    ...common,
    name,
    from: `nats:${bucket}`,
    backoffMs: backoff_s * 1000,
    random: Math.random,
    open: async () => {
      const [credentials, pem] = await Promise.all([textOf(credentials_file), readTls(tls)]);
      const { NatsNode } = await import("../nats/nats-node.ts");
      const node = await NatsNode.connect({
        servers,
        name: "sallyport-bundles",
        ...(credentials === undefined ? {} : { credentials }),
        ...(tls === undefined ? {} : { tls: pem }),
      });
      const close = (): Promise<void> => node[Symbol.asyncDispose]();
      try {
        return { blobs: await node.blobs(bucket), [Symbol.asyncDispose]: close };
      } catch (thrown) {
        await close();
        throw thrown;
      }
    },
  });
}

/** Builds the source that the configuration names. Throws `config_invalid`. */
export function bundleSource(config: Config, pipeline: BundlePipeline): BundleSource {
  const { file, http, nats, poll_s } = config.bundle;
  const common = {
    pollMs: poll_s * 1000,
    onOffer: pipeline.offer.bind(pipeline),
    onFault: pipeline.refuse.bind(pipeline),
  };
  if (file !== undefined) return new BundleFile({ path: file, ...common });
  if (nats !== undefined) return natsSource(nats, common);
  if (http === undefined) throw new Fault("config_invalid", "`bundle` names no source");
  const { url, token_file, tls, long_poll_s, backoff_s, timeout_s } = http;
  return new BundleHttp({
    ...common,
    url: new URL(url),
    backoffMs: backoff_s * 1000,
    longPollS: long_poll_s,
    timeoutMs: timeout_s * 1000,
    random: Math.random,
    active: () => pipeline.active,
    credentials: async () => ({ token: (await textOf(token_file))?.trim(), tls: await readTls(tls) }),
  });
}
