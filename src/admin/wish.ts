/** What may be asked for: the shape of an override before anybody acts on it. */
import { isSafeId } from "../decision/ids.ts";
import type { OverrideKind, OverrideTarget } from "../decision/override.ts";
import { Fault } from "../runtime/fault.ts";

/** An override as somebody words it; nothing of it is checked yet. */
export interface Wording {
  readonly kind: string;
  readonly target: { readonly kind: string; readonly id: string } | undefined;
  readonly mode: string;
  readonly signal: string;
  readonly reason: string;
  /** Unix seconds; 0: none. */
  readonly expires_at: number;
}

/** A checked one. */
export interface Wish {
  readonly kind: OverrideKind;
  readonly target: OverrideTarget;
  readonly mode?: "constrain" | "block";
  readonly signal?: string;
  readonly reason: string;
  readonly expires_at?: number;
}

const kinds: readonly OverrideKind[] = ["quarantine", "safe_mode", "signal", "disable_commands", "pause"];
const targetKinds: readonly OverrideTarget["kind"][] = [
  "device",
  "gateway",
  "tenant",
  "class",
  "credential",
  "rollout",
];
const signalType = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;
const fingerprint = /^[A-Za-z0-9][\x21-\x7e]{0,255}$/;
const maxReason = 500;
/** Types that only this service may raise. */
const reserved = "sallyport.";

function refuse(text: string): never {
  throw new Fault("request_invalid", text);
}

function oneOf<T extends string>(what: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  return found ?? refuse(`\`${what}\` is \`${value}\`; use ${allowed.join(", ")}`);
}

/** Checks a target. Throws `request_invalid`. */
export function readTarget(target: Wording["target"]): OverrideTarget {
  if (target === undefined) return refuse("`target` is missing");
  const kind = oneOf("target.kind", target.kind, targetKinds);
  const { id } = target;
  const parts = id.split("/");
  const fits =
    kind === "credential"
      ? fingerprint.test(id)
      : kind === "class"
        ? parts.length === 2 && parts.every(isSafeId)
        : isSafeId(id);
  if (!fits) refuse(`\`target.id\` is no ${kind === "class" ? "`TENANT/CLASS`" : kind}`);
  return { kind, id };
}

/** Checks a reason. Throws `request_invalid`. */
export function readReason(reason: string): string {
  if (reason.trim() === "") return refuse("`reason` is missing: say why, others will read it");
  if (reason.length > maxReason) return refuse(`\`reason\` is longer than ${maxReason} characters`);
  return reason.toWellFormed();
}

function readExpiry(kind: OverrideKind, at: number, now: number): { expires_at?: number } {
  if (at === 0) return {};
  if (kind === "pause") return refuse("a pause has no `expires_at`: only a person resumes a rollout");
  if (!Number.isSafeInteger(at) || at <= now || at > 253_402_300_799)
    return refuse("`expires_at` is not in the future");
  return { expires_at: at };
}

function readMode(kind: OverrideKind, target: OverrideTarget, mode: string): Pick<Wish, "mode"> {
  if (kind !== "quarantine") return mode === "" ? {} : refuse("`mode` is for quarantines");
  if (target.kind === "credential" && mode === "constrain")
    return refuse("a credential cannot be constrained: quarantine its device, or use `block`");
  const otherwise = target.kind === "credential" ? "block" : "constrain";
  return { mode: oneOf("mode", mode || otherwise, ["constrain", "block"]) };
}

/** Checks all of it. Throws `request_invalid`. */
export function readWish(wording: Wording, now: number): Wish {
  const kind = oneOf("kind", wording.kind, kinds);
  const target = readTarget(wording.target);
  if ((kind === "pause") !== (target.kind === "rollout"))
    refuse("`pause` is for rollouts, and rollouts can only be paused");
  if (target.kind === "credential" && kind !== "quarantine")
    refuse("a credential can only be quarantined, which revokes it");
  const { signal } = wording;
  if (kind === "signal" ? !signalType.test(signal) : signal !== "")
    refuse("`signal` is the type of a signal, and of nothing else");
  if (signal.startsWith(reserved)) refuse(`signals named \`${reserved}\` are the service's own`);
  return {
    kind,
    target,
    ...readMode(kind, target, wording.mode),
    ...(signal === "" ? {} : { signal }),
    reason: readReason(wording.reason),
    ...readExpiry(kind, wording.expires_at, now),
  };
}
