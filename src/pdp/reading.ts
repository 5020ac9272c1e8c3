/** Reads records for one decision, and remembers which, and whose they are: a decision is as old as the oldest of them. */
import type { DeviceRecord, RecordKey, RecordKind } from "../decision/facts.ts";
import type { FactsReader, Stored } from "./facts-reader.ts";

// Most decisions rest on the same few sources. One value for each combination, so that it is recognized at once.
const combinations = new Map<string, readonly string[]>();
const maxCombinations = 1024;

function combined(names: ReadonlySet<string>): readonly string[] {
  const sorted = [...names].sort();
  const text = sorted.join("\n");
  const known = combinations.get(text);
  if (known !== undefined) return known;
  if (combinations.size >= maxCombinations) combinations.clear();
  combinations.set(text, sorted);
  return sorted;
}

/** The records of one decision. */
export class Reading {
  readonly restsOn: RecordKey[] = [];
  /** A record that is stored but invalid isolates what rests on it. */
  invalid: string | undefined;
  readonly #facts: FactsReader;
  readonly #sources = new Set<string>();
  /** Some record is of nobody knows whom. */
  #ofAny = false;

  constructor(facts: FactsReader) {
    this.#facts = facts;
  }

  /** Sources of what was read, and those that what was not there could have come from; `undefined`: all. */
  get sources(): readonly string[] | undefined {
    return this.#ofAny || this.#sources.size === 0 ? undefined : combined(this.#sources);
  }

  device(id: string): DeviceRecord | null {
    const stored = this.#facts.device(id);
    const device = this.#take(`device:${id}`, stored, "device", undefined);
    if (stored === undefined) return null;
    for (const { source } of stored.said ?? []) this.#sources.add(source);
    // Others may have had to say something of it that has not arrived.
    this.#missing("report", device?.tenant, "verifier");
    if (device === null || device.provenance !== undefined) this.#missing("report", device?.tenant, "device");
    return device;
  }

  /** A record of another kind; `tenant`: whose it is, where that is known. */
  take<T>(key: RecordKey, stored: Stored<T> | undefined, tenant?: string): T | null {
    return this.#take(key, stored, key.slice(0, key.indexOf(":")) as RecordKind, tenant);
  }

  #take<T>(
    key: RecordKey,
    stored: Stored<T> | undefined,
    kind: RecordKind,
    tenant: string | undefined,
  ): T | null {
    this.restsOn.push(key);
    if (stored === undefined) {
      this.#missing(kind, tenant, "operator");
      return null;
    }
    if (stored.source === undefined) this.#ofAny = true;
    else this.#sources.add(stored.source);
    if (stored.invalid !== undefined) {
      this.invalid ??= `${key}: ${stored.invalid}`;
      return null;
    }
    return stored.record;
  }

  /** A record of this kind could be there in place of one that is not. */
  notEven(kind: RecordKind): void {
    this.#missing(kind, undefined, "operator");
  }

  #missing(kind: RecordKind, tenant: string | undefined, origin: "operator" | "verifier" | "device"): void {
    if (this.#facts.mayOwn === undefined) this.#ofAny = true;
    else for (const name of this.#facts.mayOwn({ kind, tenant, origin })) this.#sources.add(name);
  }
}
