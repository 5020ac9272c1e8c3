/** Parsed members of shared inputs in an instance's memory, between its data and where it works. */
import { Fault } from "../runtime/fault.ts";
import type { PolicyExports } from "./module.ts";
import type { SharedInput } from "./shared-input.ts";

/** A member in memory: its path `["name"]` and its value. */
interface Pin {
  readonly path: number;
  readonly value: number;
}

type Exports = Pick<
  PolicyExports,
  "opa_heap_ptr_get" | "opa_heap_ptr_set" | "opa_json_parse" | "opa_value_add_path"
>;

/** Where a {@link SharedTerms} keeps its terms, byte offsets; it writes text behind `end` to have it parsed. */
export interface Region {
  readonly start: number;
  readonly end: number;
  /** Writes text at `end`; returns its length in bytes. */
  write(text: string): number;
}

/** Heap that OPA's parser takes per byte of JSON, at worst, with room to spare: nested arrays take 72. */
const heapPerByte = 128;

/**
 * Keeps what comes back: a shared input that is seen for the second time is parsed into the region and stays until
 * the region is full; then everything is forgotten and comes back as it is asked for. Equal members (a tenant's
 * facts under each of its devices) are kept once.
 */
export class SharedTerms {
  readonly #exports: Exports;
  readonly #region: Region;
  #top: number;
  #pins = new WeakMap<SharedInput, readonly Pin[] | "seen">();
  #values = new Map<string, number>();
  #paths = new Map<string, number>();

  constructor(exports: Exports, region: Region) {
    this.#exports = exports;
    this.#region = region;
    this.#top = region.start;
  }

  /**
   * The members of `shared` as they lie in memory, or undefined where it is to be parsed with the question. Moves
   * the heap pointer.
   * @throws Fault `input_invalid` where a member is not JSON, `policy_trap` where the region was overrun
   */
  find(shared: SharedInput): readonly Pin[] | undefined {
    const known = this.#pins.get(shared);
    if (known === "seen") return this.#keep(shared);
    if (known === undefined) this.#pins.set(shared, "seen");
    return known;
  }

  /** Adds members to the object at `input`. */
  add(pins: readonly Pin[], input: number): void {
    for (const { path, value } of pins) {
      if (this.#exports.opa_value_add_path(input, path, value) !== 0) {
        throw new Fault("policy_trap", "a shared member could not be added to the input");
      }
    }
  }

  #keep(shared: SharedInput): readonly Pin[] | undefined {
    const { start, end } = this.#region;
    let needed = 0;
    for (const [name, json] of shared.members) needed += (name.length + json.length * 3 + 4) * heapPerByte;
    if (needed > end - start) return undefined;
    if (this.#top + needed > end) this.#forget();
    const pins: Pin[] = [];
    for (const [name, json] of shared.members) {
      pins.push({
        path: this.#parse(this.#paths, JSON.stringify([name])),
        value: this.#parse(this.#values, json),
      });
    }
    this.#pins.set(shared, pins);
    return pins;
  }

  #forget(): void {
    this.#top = this.#region.start;
    this.#pins = new WeakMap();
    this.#values = new Map();
    this.#paths = new Map();
  }

  #parse(known: Map<string, number>, json: string): number {
    const before = known.get(json);
    if (before !== undefined) return before;
    const written = this.#region.write(json);
    this.#exports.opa_heap_ptr_set(this.#top);
    const address = this.#exports.opa_json_parse(this.#region.end, written);
    this.#top = this.#exports.opa_heap_ptr_get();
    if (this.#top > this.#region.end) throw new Fault("policy_trap", "a shared member overran its region");
    if (address === 0) throw new Fault("input_invalid", "a shared member of the policy input is not JSON");
    known.set(json, address);
    return address;
  }
}
