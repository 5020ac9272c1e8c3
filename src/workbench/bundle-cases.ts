/** What a bundle brings along to be tried with. */
import type { Bundle } from "../bundle/bundle.ts";
import type { BundleCase } from "../bundle/case-file.ts";
import { readCases } from "./cases.ts";
import { PolicyHost } from "./policy-host.ts";
import type { PolicyProject } from "./project.ts";
import { runCases } from "./run-cases.ts";

/** The rows of the project's tables that reach the policy, as the service will ask them before it trusts the bundle. */
export function bundleCases(project: PolicyProject, bundle: Bundle): readonly BundleCase[] {
  const host = PolicyHost.of(bundle);
  return runCases(host, readCases(project)).flatMap(({ row, answer }) =>
    // A list of grants is no verdict, and a replay is seen by the service, not by the policy.
    answer.input === undefined || row.ask === "grants" || answer.reason === "message_replayed"
      ? []
      : [
          {
            name: `${row.id} ${row.name}`,
            entrypoint: row.ask,
            input: answer.input,
            allow: row.expect.allow,
            reason: row.expect.reason,
          },
        ],
  );
}
