/** Entries of the bucket that nodes share: what they are, and their text. */

import { type Override, type OverrideTarget, targetText } from "../decision/override.ts";
import type { Fault } from "../runtime/fault.ts";

/** An override that ended, by whom and why. */
export interface Ended {
  readonly is: "ended";
  readonly id: string;
  readonly act: "lift" | "expire";
  readonly at: number;
  readonly by: string;
  readonly reason: string;
}

/** How the plane stands. */
export interface PlaneStatus {
  /** Seconds since this node has known everything that others did. */
  readonly ageS: number;
  /** Why it could not be followed when it was last tried; absent: it could. */
  readonly fault?: Fault;
}

/** How overrides are shared with other nodes. */
export interface Sharing {
  /** Age that decisions count, in seconds: past the hard limit, older than any. */
  readonly lagS: number;
  /** `false`: only this node has it yet. */
  share(override: Override): Promise<boolean>;
  /** Resolves when the end is in force here and every node will hear of it. Rejects with `unreachable`. */
  lift(override: Override, ended: Omit<Ended, "is" | "id">, mark: number | undefined): Promise<void>;
}

/** One entry. An override has one key from its setting to its end; a mark, claim or re-entry one for good. */
export type Shared =
  | { readonly is: "set"; readonly override: Override }
  | Ended
  | { readonly is: "mark"; readonly target: OverrideTarget; readonly since: number }
  | { readonly is: "claim"; readonly fingerprint: string; readonly device: string }
  | { readonly is: "reentry"; readonly device: string; readonly since: number }
  /** How far a node has acted: everything up to this revision of the bucket is in force there, as of `at`. */
  | { readonly is: "node"; readonly node: string; readonly revision: number; readonly at: number };

const text = new TextDecoder();
const bytes = new TextEncoder();

/** Its key in the bucket. */
export function keyOf(entry: Shared): string {
  switch (entry.is) {
    case "set":
      return `override:${entry.override.id}`;
    case "ended":
      return `override:${entry.id}`;
    case "mark":
      return `mark:${targetText(entry.target)}`;
    case "claim":
      return `claim:${entry.fingerprint}`;
    case "reentry":
      return `reentry:${entry.device}`;
    case "node":
      return `node:${entry.node}`;
    default:
      return entry satisfies never;
  }
}

/** Its text. */
export function sharedText(entry: Shared): Uint8Array {
  return bytes.encode(JSON.stringify(entry));
}

const kinds: ReadonlySet<unknown> = new Set(["set", "ended", "mark", "claim", "reentry", "node"]);
const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
const isTarget = (value: unknown): boolean => isObject(value) && isText(value["kind"]) && isText(value["id"]);

/** Reads one; `undefined`: it is none that this release knows. */
export function readShared(value: Uint8Array): Shared | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(text.decode(value));
  } catch {
    return undefined;
  }
  if (!isObject(entry) || !kinds.has(entry["is"])) return undefined;
  const { at, device, fingerprint, id, is, node, override, revision, since, target } = entry;
  const fits =
    is === "set"
      ? isObject(override) &&
        isText(override["id"]) &&
        isText(override["kind"]) &&
        isTarget(override["target"])
      : is === "ended"
        ? isText(id)
        : is === "claim"
          ? isText(fingerprint) && isText(device)
          : is === "node"
            ? isText(node) && Number.isSafeInteger(revision) && Number.isSafeInteger(at)
            : Number.isSafeInteger(since) && (is === "mark" ? isTarget(target) : isText(device));
  return fits ? (entry as unknown as Shared) : undefined;
}
