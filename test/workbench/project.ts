/** Small policy projects on disk. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { Opa } from "../../src/workbench/opa.ts";
import { findOpa } from "../opa.ts";

/** Rules for every entrypoint of the contract: connect and publish look at facts, the rest deny. */
export const rules = `package sallyport

default connect := {"allow": false, "reason": "device_unknown", "findings": [], "obligations": {}}

connect := {"allow": true, "reason": "ok", "findings": [], "obligations": {"session": {"max_s": 600}}} if {
	is_object(input.device)
}

default publish := {"allow": false, "reason": "topic_out_of_scope", "findings": [], "obligations": {}}

publish := {"allow": true, "reason": "ok", "findings": [], "obligations": {}} if {
	startswith(input.request.topic, data.site.prefix)
}

denied := {"allow": false, "reason": "operation_unknown", "findings": [], "obligations": {}}

subscribe := denied

command := denied

grants := denied

cuts["*"] := {kind: {"time": [], "lag": []} | some kind in ["connect", "publish", "subscribe", "command", "grants"]}
`;

/** Two rows that hold for {@link rules}. */
export const cases = `at: 1770000000
subjects:
  meter:
    now: "@"
    registry: {synced: true, watermark: "@"}
    request: {env: prod, region: eu, endpoint: e, client_id: m-1, topic: t/x, qos: 0, occurred_at: "@"}
    tenant: null
    approvals: []
cases:
  - {name: nobody knows it, ask: connect, of: meter, answer: device_unknown}
  - {name: its own topic, ask: publish, of: meter, given: {request: {topic: t/m-1/x}}, answer: ok}
`;

const mask = 'package system.log\n\nmask contains "/input/request/client_id"\n';

/** Files of a project that builds, by path; schemas are copied from the shipped policy. */
export const whole: Readonly<Record<string, string>> = {
  "sallyport.rego": rules,
  "mask.rego": mask,
  "data.yaml": "site: {prefix: t/}\n",
  "cases/first.yaml": cases,
};

/** Writes a project that goes when the test ends; `files` replace or add to {@link whole}. */
export function project(files: Readonly<Record<string, string>> = {}): string {
  const dir = mkdtempSync(path.join(tmpdir(), "sallyport-project-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  // A project without updates and back-ends: both are optional.
  const filter = (source: string): boolean => !/(ota|consume)\.json$/.test(source);
  cpSync("policies/schemas", path.join(dir, "schemas"), { recursive: true, filter });
  for (const [name, text] of Object.entries({ ...whole, ...files })) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    writeFileSync(path.join(dir, name), text);
  }
  return dir;
}

/** OPA, where tests that need it run. */
export function opa(): Opa {
  return findOpa() as unknown as Opa;
}
