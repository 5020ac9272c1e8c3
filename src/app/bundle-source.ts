/** The configured source of bundles. */
import { readFile } from "node:fs/promises";
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

/** Builds the source that the configuration names. Throws `config_invalid`. */
export function bundleSource(config: Config, pipeline: BundlePipeline): BundleSource {
  const { file, http, poll_s } = config.bundle;
  const common = {
    pollMs: poll_s * 1000,
    onOffer: pipeline.offer.bind(pipeline),
    onFault: pipeline.refuse.bind(pipeline),
  };
  if (file !== undefined) return new BundleFile({ path: file, ...common });
  if (http === undefined) throw new Fault("config_invalid", "`bundle.file` or `bundle.http` is missing");
  const { url, token_file, tls, long_poll_s, backoff_s, timeout_s } = http;
  return new BundleHttp({
    ...common,
    url: new URL(url),
    backoffMs: backoff_s * 1000,
    longPollS: long_poll_s,
    timeoutMs: timeout_s * 1000,
    random: Math.random,
    active: () => pipeline.active,
    credentials: async () => {
      const [token, ca, cert, key] = await Promise.all(
        [token_file, tls?.ca, tls?.cert, tls?.key].map(async (path) =>
          path === undefined ? undefined : readFile(path, "utf8"),
        ),
      );
      return {
        token: token?.trim(),
        tls: {
          ...(ca === undefined ? {} : { ca }),
          ...(cert === undefined ? {} : { cert }),
          ...(key === undefined ? {} : { key }),
        },
      };
    },
  });
}
