/** What people do to bundles, recorded in the decision log, done or refused. */
import type { AdminAct } from "../log/admin-act.ts";
import { Fault } from "../runtime/fault.ts";
import type { Activated } from "./bundle-news.ts";
import type { BundlePipeline } from "./bundle-pipeline.ts";

/** Promoting and aborting, by a digest and in the name of somebody. */
export type BundleActs = Pick<BundlePipeline, "promote" | "abort">;

/** The acts of a pipeline, each of them recorded. */
export function recordedActs(pipeline: BundleActs, record: (act: AdminAct) => unknown): BundleActs {
  const recorded = async (
    act: Pick<AdminAct, "operation" | "by" | "input">,
    done: Promise<string>,
  ): Promise<string> => {
    try {
      const revision = await done;
      record({ ...act, peer: act.by, input: { ...act.input, revision }, allow: true });
      return revision;
    } catch (thrown) {
      const { code, message } = Fault.from(thrown, "internal", "the act failed");
      record({ ...act, peer: act.by, allow: false, code, detail: message });
      throw thrown;
    }
  };
  return {
    promote: (digest, by) =>
      recorded({ operation: "bundle.promote", by, input: { digest } }, pipeline.promote(digest, by)),
    abort: (digest, reason, by) =>
      recorded(
        { operation: "bundle.abort", by, input: { digest, reason } },
        pipeline.abort(digest, reason, by),
      ),
  };
}

/** The act of going back, which its statement's signers have done; `undefined`: nobody went back. */
export function rollbackAct({
  digest,
  restored,
  revision,
  rollback,
  sequence,
}: Activated): AdminAct | undefined {
  if (rollback === undefined || restored === true) return undefined;
  const { by, from, reason } = rollback;
  return {
    peer: "",
    operation: "bundle.rollback",
    by: by.join(", "),
    input: { digest, revision, from, reason },
    allow: true,
    sequence,
  };
}
