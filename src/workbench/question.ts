/** Facts of a case as the input that the service would hand to the policy. */
import type { DenyReason } from "../decision/reasons.ts";
import { compileProjection, FactDefect, type InputSchema, type Projector } from "../pdp/projection.ts";
import { replayOutranks } from "../pdp/replay.ts";
import { Fault } from "../runtime/fault.ts";
import { type Facts, isFacts } from "./facts.ts";

/** An input, or the denial that comes before the policy, with what is wrong. */
export type Question =
  | { readonly input: Facts; readonly reason?: undefined }
  | { readonly input?: undefined; readonly reason: DenyReason; readonly detail: string };

/** Makes inputs for one entrypoint from its schema. */
export class Questions {
  readonly #project: Projector;
  readonly #entrypoint: string;

  /** @throws Fault `policy_invalid` for a schema that the service would refuse */
  constructor(entrypoint: string, schema: unknown) {
    this.#entrypoint = entrypoint;
    try {
      this.#project = compileProjection(schema as InputSchema);
    } catch (thrown) {
      throw Fault.from(thrown, "policy_invalid", `schemas/${entrypoint}.json`);
    }
  }

  /** Projects facts; says why where the service would refuse them. */
  ask(facts: Facts): Question {
    try {
      const input = this.#project(prepared(this.#entrypoint, facts)) as Facts;
      // As the service: a device of a known tenant without a firmware floor cannot be judged.
      if (isFacts(input["device"]) && isFacts(input["tenant"]) && input["fw_policy"] === null)
        return { reason: "facts_invalid", detail: "fw_policy: missing" };
      return { input };
    } catch (thrown) {
      if (!(thrown instanceof FactDefect)) throw thrown;
      const asked = thrown.path === "request" || thrown.path.startsWith("request.");
      const detail = `${thrown.path}: ${thrown.problem}`;
      return { reason: asked ? "bad_request" : "facts_invalid", detail };
    }
  }
}

/** What the service does to facts before it projects them: the bound credential only, a peer that vouches. */
function prepared(entrypoint: string, facts: Facts): Facts {
  const request = isFacts(facts["request"]) ? facts["request"] : {};
  const vouched = typeof request["via"] === "string" && facts["gateway_credential"] === undefined;
  const whole: Facts = vouched ? { ...facts, gateway_credential: "asserted" } : facts;
  const device = facts["device"];
  if (!isFacts(device) || !isFacts(device["credentials"])) return whole;
  const credential = facts["credential"];
  const presented = isFacts(credential) ? credential["fingerprint"] : undefined;
  const kept = Object.entries(device["credentials"]).filter(([fingerprint, entry]) =>
    entrypoint === "command" ? !isFacts(entry) || entry["status"] === "active" : fingerprint === presented,
  );
  return { ...whole, device: { ...device, credentials: Object.fromEntries(kept) } };
}

/** Whether the service would call this message a replay, whatever the policy says of it. */
export function isReplay(entrypoint: string, facts: Facts, allow: boolean, reason: string): boolean {
  if (entrypoint !== "publish") return false;
  const request = facts["request"];
  const device = facts["device"];
  const state = isFacts(device) ? device["state"] : undefined;
  const seq = isFacts(request) ? request["seq"] : undefined;
  const last = isFacts(state) ? state["last_seq"] : undefined;
  const seen = typeof seq === "number" && typeof last === "number" && seq <= last;
  return seen && replayOutranks(allow, reason as DenyReason);
}
