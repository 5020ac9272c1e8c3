/** The policy's supply chain: trust, last known good, pipeline and source, put together and started. */
import { AbortedBundles } from "../bundle/aborted-bundles.ts";
import { GoodStore } from "../bundle/good-store.ts";
import type { Config } from "../config/config.ts";
import type { AdminAct } from "../log/admin-act.ts";
import type { Activation } from "../pdp/activation.ts";
import { rollbackAct } from "../pdp/bundle-acts.ts";
import { BundlePipeline } from "../pdp/bundle-pipeline.ts";
import type { Pdp } from "../pdp/pdp.ts";
import type { OtherProcesses } from "../pdp/pipeline-parts.ts";
import { preflight } from "../pdp/preflight.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Closing } from "../runtime/closing.ts";
import { bundleSource } from "./bundle-source.ts";
import { openTrust } from "./bundle-trust.ts";

/**
 * How far the thread that tries a bundle stands back while another is in force. Not further: among ten busy threads on two
 * processors it still gets a sixteenth of one, and ends well within `bundle.checks.deadline_s`.
 */
const standBack = 5;

/** Parts of the supply chain. */
export interface BundlesParts {
  readonly pdp: Pdp;
  readonly activation: Activation;
  readonly clock: Clock;
  readonly others: OtherProcesses | undefined;
  /** Writes an act into the decision log. */
  readonly record: (act: AdminAct) => unknown;
  readonly stack: Closing;
}

/** A started supply chain. */
export interface Bundles {
  readonly pipeline: BundlePipeline;
  /** Looks at the keyset's file now. */
  look(): Promise<void>;
}

/**
 * Starts it: what was kept first, then the source. What is opened is closed by `stack`.
 * @throws Fault `config_invalid`, `keyset_invalid`, `bundle_unkept`
 */
export async function startBundles(
  config: Config,
  { pdp, activation, clock, others, record, stack }: BundlesParts,
): Promise<Bundles> {
  const { dir, checks, shadow, poll_s } = config.bundle;
  const store = dir === undefined ? undefined : new GoodStore(dir);
  const good = await store?.read();
  const trust = await openTrust(config, clock, good?.state.keyset);
  const pipeline = stack.use(
    new BundlePipeline({
      activation,
      clock,
      others,
      rules: () => trust.rules(),
      aborted: await AbortedBundles.open(dir),
      activated: (news) => {
        const act = rollbackAct(news);
        if (act !== undefined) record(act);
      },
      keysetText: () => trust.keysetText(),
      store,
      check: (bundle) =>
        preflight(bundle, {
          minCases: checks.min_cases,
          deadlineMs: checks.deadline_s * 1000,
          p99Us: checks.p99_us,
          memoryMib: checks.memory_mib,
          niceness: activation.bundle === undefined ? 0 : standBack,
        }),
      ...(shadow.mode === "off"
        ? {}
        : {
            shadow: {
              rules: {
                sample: shadow.sample,
                forMs: shadow.for_s * 1000,
                minQueries: shadow.min_queries,
                maxNewlyDenied: shadow.max_newly_denied,
                maxNewlyAllowed: shadow.max_newly_allowed,
                promote: shadow.mode,
              },
              listen: (take) => {
                pdp.sampler = take;
              },
              compare: (sample, candidate) => pdp.compare(sample, candidate),
              ...(others?.compare === undefined ? {} : { elsewhere: others.compare }),
              dropped: (digest) => void others?.drop(digest),
            },
          }),
    }),
  );
  if (good !== undefined) await pipeline.restore(good);
  await stack.use(bundleSource(config, pipeline)).start();
  const poll = setInterval(() => void trust.look(), poll_s * 1000).unref();
  stack.defer(() => clearInterval(poll));
  return { pipeline, look: () => trust.look() };
}
