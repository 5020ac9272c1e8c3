/** Overrides in force: set, lifted, ended by time; announced one by one in an order of their own. */
import { channel } from "node:diagnostics_channel";
import type { Change } from "../decision/change.ts";
import type { RecordKey } from "../decision/facts.ts";
import { type Override, type OverrideAct, type OverrideTarget, targetText } from "../decision/override.ts";
import { Alarm } from "../runtime/alarm.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { Listeners } from "./listeners.ts";
import { type OverrideCommit, OverrideStore } from "./override-store.ts";
import type { Ended, Sharing } from "./shared-override.ts";

/** What somebody asks for; the rest of an {@link Override} is the service's. */
export type OverrideWish = Omit<Override, "id" | "since">;

/** Most overrides at once; beyond it new ones are refused, so that a loop of a caller is seen. */
const maxOverrides = 100_000;

/** Parts of {@link Overrides}. */
export interface OverridesOptions {
  /** Whether other nodes share them: ids are then unique among all. */
  readonly shared?: boolean;
  /** Folder of the store. */
  readonly dir: string;
  /** Make the store where it is missing. */
  readonly initialize: boolean;
  readonly clock: Clock;
  /** Records whose answers an override of this target can change. */
  readonly reach: (target: OverrideTarget) => readonly RecordKey[] | "everything";
  /** Whether the end of this override by time withdraws trust (FACTS.md, rule 9); milder ones may lapse. */
  readonly leavesMark: (override: Override) => boolean;
}

/** Is told of a change, and of the target whose overrides are others now. */
export type OverrideListener = (change: Change, target: string) => void | Promise<void>;

/** A commit; where it has no act, the target of its mark. */
type Committing = OverrideCommit & { readonly of?: OverrideTarget };

const acted = channel("sallyport:registry:override");
const none: readonly Override[] = [];

/** The overrides of this node. A missing store is told by {@link missing}; nothing can be set then. */
export class Overrides implements AsyncDisposable {
  readonly #options: OverridesOptions;
  readonly #store: OverrideStore | undefined;
  readonly #byId = new Map<string, Override>();
  readonly #byTarget = new Map<string, readonly Override[]>();
  readonly #marks = new Map<string, number>();
  readonly #listeners = new Listeners<[Change, string]>("an override is not in force everywhere");
  readonly #alarm: Alarm = new Alarm(() => void this.sweep().catch(() => this.#setAlarm(1000)));
  /** How they are shared, where they are. */
  plane: Sharing | undefined;
  #sequence = 0;
  #closed = false;

  private constructor(options: OverridesOptions, store: OverrideStore | undefined) {
    this.#options = options;
    this.#store = store;
    if (store === undefined) return;
    this.#sequence = store.sequence;
    for (const override of store.overrides()) this.#enter(override);
    for (const [target, since] of store.marks()) this.#marks.set(target, since);
  }

  /** Opens the store and ends what has expired meanwhile. Throws `store_unavailable`. */
  static async open(options: OverridesOptions): Promise<Overrides> {
    const overrides = new Overrides(options, OverrideStore.open(options.dir, options.initialize));
    await overrides.sweep();
    return overrides;
  }

  /** Why nothing may be decided; `undefined`: the store is there. */
  get missing(): string | undefined {
    if (this.#store !== undefined) return undefined;
    return `there is no override store in \`${this.#options.dir}\`: restore it, or start once with --initialize-overrides if no device was ever quarantined here`;
  }

  /** Name of this node among those that share overrides. */
  get node(): string {
    return this.#store?.node ?? "";
  }

  /** Age of what other nodes have done, as decisions count it; 0 where nothing is shared. */
  get lagS(): number {
    return this.plane?.lagS ?? 0;
  }

  /** When this node last knew what all others did; `undefined`: never. */
  get heardAt(): number | undefined {
    return this.#store?.heardAt;
  }

  /** Remembers that across restarts. */
  remember(heardAt: number): void {
    this.#store?.remember(heardAt);
  }

  /** Position of the last act. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Overrides in force on exactly this target. */
  of(target: string): readonly Override[] {
    return this.#byTarget.get(target) ?? none;
  }

  /** Time of the last loss of trust that was recorded for exactly this target; 0: none. */
  lostSince(target: string): number {
    return this.#marks.get(target) ?? 0;
  }

  /** The same of all targets. */
  marks(): ReadonlyMap<string, number> {
    return this.#marks;
  }

  /** Whether there is nothing at all to merge. */
  get idle(): boolean {
    return this.#byId.size === 0 && this.#marks.size === 0;
  }

  /** All overrides in force, oldest first. */
  list(): readonly Override[] {
    return [...this.#byId.values()];
  }

  /** The override `id`. */
  get(id: string): Override | undefined {
    return this.#byId.get(id);
  }

  /** Acts after `sequence`, oldest first: what a replica that has seen so much is missing. */
  acts(sequence: number, limit = 1000): readonly OverrideAct[] {
    return this.#store?.acts(sequence, limit) ?? [];
  }

  /**
   * Calls `listener` with every change once it is on disk and in force here; an act is acknowledged when all
   * listeners are done, so that one may wait for other processes. Returns how to stop.
   */
  onChange(listener: OverrideListener): () => void {
    return this.#listeners.add(listener);
  }

  /** Puts an override in force: for the next decision when this resolves. Throws `not_ready`, `store_unavailable`. */
  async set(wish: OverrideWish): Promise<OverrideAct> {
    if (this.#byId.size >= maxOverrides)
      throw new Fault("limit_exceeded", `there are ${maxOverrides} overrides; lift some first`);
    const at = this.#options.clock.now();
    const sequence = this.#sequence + 1;
    const node = this.#options.shared === true ? `${this.#store?.node ?? ""}-` : "";
    const override: Override = { id: `o-${node}${sequence}`, ...wish, since: at };
    const act: OverrideAct = { sequence, act: "set", at, by: wish.by, reason: wish.reason, override };
    await this.#commit([{ act }]);
    if (this.plane === undefined) return act;
    return { ...act, scope: (await this.plane.share(override)) ? "fleet" : "local" };
  }

  /**
   * Removes one override, and nothing else. The loss of trust that it stood for stays recorded: only evidence
   * newer than that gives trust back. Throws `not_found`, `unreachable` where other nodes cannot be told.
   */
  async lift(id: string, by: string, reason: string): Promise<OverrideAct> {
    const override = this.#byId.get(id);
    if (override === undefined) throw new Fault("not_found", `there is no override \`${id}\``);
    const act: OverrideAct = {
      sequence: this.#sequence + 1,
      act: "lift",
      at: this.#options.clock.now(),
      by,
      reason,
      override,
    };
    const commit = this.#withMark(act, override.since);
    if (this.plane === undefined) {
      await this.#commit([commit]);
      return act;
    }
    await this.plane.lift(override, { act: "lift", at: act.at, by, reason }, commit.mark?.since);
    return { ...act, sequence: this.#sequence, scope: "fleet" };
  }

  /** Another node has set an override. */
  async learnSet(override: Override): Promise<void> {
    if (this.#byId.has(override.id)) return;
    const { by, reason, since } = override;
    await this.#commit([
      { act: { sequence: this.#sequence + 1, act: "set", at: since, by, reason, override } },
    ]);
    await this.sweep();
  }

  /** An override has ended for all nodes. */
  async learnEnd({ act, at, by, id, reason }: Ended): Promise<void> {
    const override = this.#byId.get(id);
    if (override === undefined) return;
    const ended = { sequence: this.#sequence + 1, act, at, by, reason, override };
    await this.#commit([
      this.#withMark(ended, act === "expire" ? (override.expires_at ?? at) : override.since),
    ]);
  }

  /** Another node has recorded a loss of trust. */
  async learnMark(target: OverrideTarget, since: number): Promise<void> {
    if (since > this.lostSince(targetText(target)))
      await this.#commit([{ mark: { target: targetText(target), since }, of: target }]);
  }

  /** Ends what has expired. A loss of trust that ends so is recorded as of its end. */
  async sweep(): Promise<void> {
    const now = this.#options.clock.now();
    const commits = [...this.#byId.values()]
      .filter(({ expires_at }) => expires_at !== undefined && expires_at <= now)
      .map((override, index) =>
        this.#withMark(
          {
            sequence: this.#sequence + 1 + index,
            act: "expire",
            at: now,
            by: "sallyport",
            reason: "it expired",
            override,
          },
          override.expires_at ?? now,
        ),
      );
    if (commits.length > 0) await this.#commit(commits);
    this.#setAlarm();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#alarm.clear();
    this.#listeners.clear();
    await this.#store?.[Symbol.asyncDispose]();
  }

  #withMark(act: OverrideAct, since: number): OverrideCommit & { readonly act: OverrideAct } {
    const { override } = act;
    if (!this.#options.leavesMark(override)) return { act };
    return { act, mark: { target: targetText(override.target), since } };
  }

  /** Disk, memory, announcement: the first two in one synchronous step, so that no answer can fall between. */
  async #commit(commits: readonly Committing[]): Promise<void> {
    if (this.#store === undefined) throw new Fault("not_ready", this.missing ?? "no override store");
    this.#store.commit(commits);
    const told: Promise<void>[] = [];
    for (const { act, mark, of } of commits) {
      if (act !== undefined) this.#sequence = act.sequence;
      if (act?.act === "set") this.#enter(act.override);
      else if (act !== undefined) this.#remove(act.override);
      if (mark !== undefined) this.#marks.set(mark.target, Math.max(mark.since, this.lostSince(mark.target)));
      const target = act?.override.target ?? of;
      if (target === undefined) continue;
      told.push(this.#listeners.announce(this.#changeOf(target), targetText(target)));
      if (act !== undefined && acted.hasSubscribers) acted.publish(act);
    }
    this.#setAlarm();
    for (const end of await Promise.allSettled(told)) if (end.status === "rejected") throw end.reason;
  }

  #changeOf(target: OverrideTarget): Change {
    const sequence = this.#sequence;
    const keys = this.#options.reach(target);
    return keys === "everything"
      ? { scope: "everything", revision: sequence, sequence }
      : { scope: "records", revision: sequence, sequence, keys };
  }

  #enter(override: Override): void {
    const target = targetText(override.target);
    this.#byId.set(override.id, override);
    this.#byTarget.set(target, [...this.of(target), override]);
  }

  #remove({ id, target }: Override): void {
    const text = targetText(target);
    const rest = this.of(text).filter((each) => each.id !== id);
    this.#byId.delete(id);
    if (rest.length === 0) this.#byTarget.delete(text);
    else this.#byTarget.set(text, rest);
  }

  #setAlarm(atLeastMs = 0): void {
    let next = Number.POSITIVE_INFINITY;
    for (const { expires_at } of this.#byId.values()) next = Math.min(next, expires_at ?? next);
    if (next === Number.POSITIVE_INFINITY) this.#alarm.clear();
    else this.#alarm.set(Math.max(atLeastMs, next * 1000 - this.#options.clock.wallMs()));
  }
}
