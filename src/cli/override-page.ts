/** Overrides as people read them. */
import type { Act, LiftResponse, ListOverridesResponse, Override } from "../gen/sallyport/v1/admin.ts";
import { showMoment, showSpan } from "./moment.ts";
import { visible } from "./visible.ts";

/** What an override does and to whom: `o-3 quarantine (block) of device meter-001`. */
export function describeOverride({ id, kind, mode, signal, target }: Override): string {
  const detail = mode || signal;
  const what = detail === "" ? kind : `${kind} (${visible(detail)})`;
  return `${id} ${what} of ${target?.kind ?? "?"} ${visible(target?.id ?? "?")}`;
}

/** Where an act is in force, if other nodes share it: ` (local)` until they can be told. */
export function whereOf({ scope }: Pick<Act, "scope">): string {
  return scope === "" || scope === undefined ? "" : ` (${visible(scope)})`;
}

function renderPlane({ plane_age_s, plane_fault, shared }: Omit<ListOverridesResponse, "overrides">): string {
  if (!shared) return "";
  const fault = plane_fault === "" ? "" : `: ${visible(plane_fault)}`;
  return `shared with other nodes, all of theirs known ${showSpan(plane_age_s)} ago${fault}\n`;
}

/** A list, two lines each, and how well other nodes are heard. */
export function renderOverrides({ overrides, ...plane }: ListOverridesResponse, now: number): string {
  if (overrides.length === 0) return `${renderPlane(plane)}no override is in force\n`;
  const lines = overrides.map((override) => {
    const until =
      override.expires_at === 0 ? "until lifted" : `until ${showMoment(override.expires_at, now)}`;
    const { by, reason, since } = override;
    return `${describeOverride(override)}\n  by ${visible(by)} since ${showMoment(since, now)}, ${until}: ${visible(reason)}\n`;
  });
  return renderPlane(plane) + lines.join("");
}

/** What a lift did, what still restricts the target, and what evidence is needed. */
export function renderLifted({ act, evidence_newer_than, remaining }: LiftResponse, now: number): string {
  const lines = (act?.overrides ?? []).map((each) => `lifted: ${describeOverride(each)}\n`);
  for (const each of remaining) lines.push(`still in force: ${describeOverride(each)}\n`);
  if (evidence_newer_than > 0)
    lines.push(`trusted again on evidence newer than ${showMoment(evidence_newer_than, now)}\n`);
  return lines.join("");
}
