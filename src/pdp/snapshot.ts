/** The policy in force: one immutable value that is replaced whole. */

import type { Kind } from "../decision/query.ts";
import type { SharedInput } from "../engine/shared-input.ts";
import { Fault } from "../runtime/fault.ts";
import { type CutTable, readCutTable } from "./cuts.ts";
import { compileInput, type InputProjection, type InputSchema } from "./projection.ts";

/** A compiled policy as the PDP needs it; `engine/` provides it. */
export interface CompiledPolicy {
  /**
   * Evaluates with an input given as JSON text and the members it shares with others; `undefined` where Rego is
   * undefined. Throws a fault.
   */
  evaluate(entrypoint: string, inputJson: string, shared?: SharedInput): unknown;
}

/** Entrypoints this service asks. */
export type Entrypoint = Kind | "grants";

/** Every entrypoint that takes an input and that a bundle must have. */
export const entrypoints: readonly Exclude<Entrypoint, OptionalEntrypoint>[] = [
  "connect",
  "publish",
  "subscribe",
  "command",
  "grants",
];

/** Entrypoints that a bundle may lack: what it cannot answer is denied, updates as `ota_not_supported`. */
export type OptionalEntrypoint = "ota" | "consume";

const optionalEntrypoints: readonly OptionalEntrypoint[] = ["ota", "consume"];

/** Full names of all entrypoints that a bundle must have. */
export const requiredEntrypoints: readonly string[] = [...entrypoints, "cuts"].map(
  (name) => `sallyport/${name}`,
);

/** Full names of the entrypoints that a bundle with these schemas must have: a schema is a promise. */
export function entrypointsOf(schemas: Readonly<Record<string, unknown>>): readonly string[] {
  const more = optionalEntrypoints.filter((name) => schemas[name] !== undefined);
  return [...requiredEntrypoints, ...more.map((name) => `sallyport/${name}`)];
}

/** One revision of the policy, ready to be asked. */
export interface PolicySnapshot {
  readonly revision: string;
  readonly sequence: number;
  readonly policy: CompiledPolicy;
  readonly inputs: Readonly<Record<Exclude<Entrypoint, OptionalEntrypoint>, InputProjection>> &
    Readonly<Partial<Record<OptionalEntrypoint, InputProjection>>>;
  readonly cuts: CutTable;
  /** Unix seconds at which it came into force. */
  readonly activatedAt: number;
}

/** What a snapshot is made from. */
export interface SnapshotSource {
  readonly revision: string;
  readonly sequence: number;
  readonly policy: CompiledPolicy;
  readonly schemas: Readonly<Record<string, unknown>>;
  readonly activatedAt: number;
  /** What `sallyport/cuts` says, where that was asked already. */
  readonly cuts?: unknown;
}

const compiled = new WeakMap<object, InputProjection>();

/** How an entrypoint's input is made; compiled once for each schema. Throws `bundle_invalid`. */
export function inputOf(schemas: Readonly<Record<string, unknown>>, name: Entrypoint): InputProjection {
  const schema = schemas[name];
  if (typeof schema !== "object" || schema === null) {
    throw new Fault(
      "bundle_invalid",
      `the bundle declares no input schema for entrypoint \`${name}\`; rebuild it`,
    );
  }
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  try {
    const input = compileInput(schema as InputSchema);
    compiled.set(schema, input);
    return input;
  } catch (thrown) {
    throw Fault.from(thrown, "bundle_invalid", `input schema of entrypoint \`${name}\``);
  }
}

/** The entrypoints with an input that a bundle with these schemas has. */
export function presentIn(schemas: Readonly<Record<string, unknown>>): readonly Entrypoint[] {
  return [...entrypoints, ...optionalEntrypoints.filter((name) => schemas[name] !== undefined)];
}

/** Builds a snapshot. Throws `bundle_invalid` when a schema is missing or unusable, or the cuts are no cuts. */
export function createSnapshot(source: SnapshotSource): PolicySnapshot {
  const inputs = {} as Record<Entrypoint, InputProjection>;
  const present = presentIn(source.schemas);
  for (const name of present) inputs[name] = inputOf(source.schemas, name);
  const said = source.cuts ?? source.policy.evaluate("sallyport/cuts", "{}");
  const cuts = readCutTable(said, present);
  if (cuts === undefined) {
    throw new Fault(
      "bundle_invalid",
      "entrypoint `sallyport/cuts` lists no cuts for some model and kind; rebuild the bundle",
    );
  }
  return {
    revision: source.revision,
    sequence: source.sequence,
    policy: source.policy,
    inputs,
    cuts,
    activatedAt: source.activatedAt,
  };
}
