/** Every attached stream of this process: tells them of changes and makes receipts of what they answer. */
import { randomBytes } from "node:crypto";
import type { LeaseTerms } from "../coherence/link-standing.ts";
import type { Promises } from "../coherence/promises.ts";
import { unboundedUntil } from "../coherence/promises.ts";
import { type Concerned, clientsOf, type Receipt, type Uncovered } from "../coherence/receipt.ts";
import { RecentChanges } from "../coherence/recent-changes.ts";
import type { Change } from "../decision/change.ts";
import type { RecordKey } from "../decision/facts.ts";
import type { Peer } from "../decision/identity.ts";
import type { Clock } from "../runtime/clock.ts";
import { AttachedLink, type LinkChange, type OpenSession } from "./attached-link.ts";
import type { FactsReader } from "./facts-reader.ts";

/** What {@link Attachments} are made of. */
export interface AttachmentsParts {
  readonly clock: Clock;
  readonly facts: FactsReader;
  readonly terms: LeaseTerms;
  readonly promises: Promises;
  /** Whether a process before this one may have granted leases that still run. */
  readonly succeeds: boolean;
}

interface Announced {
  readonly position: number;
  readonly records: readonly RecordKey[] | "everything";
  readonly concerned: readonly Concerned[];
}

const keptChanges = 1024;
const recentRecords = 20_000;
/** A wall clock that moved this much against the monotonic one was set. */
const jumpMs = 1500;

export class Attachments {
  /** Names this process to its clients. */
  readonly epoch: string = randomBytes(9).toString("base64url");
  readonly terms: LeaseTerms;
  readonly promises: Promises;
  readonly #parts: AttachmentsParts;
  readonly #links = new Set<AttachedLink>();
  readonly #recent: RecentChanges = new RecentChanges(recentRecords);
  readonly #announced: Announced[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #inheritedUntilMs: number;
  #wallOffsetMs: number;

  constructor(parts: AttachmentsParts) {
    this.#parts = parts;
    this.terms = parts.terms;
    this.promises = parts.promises;
    const { clock, terms, succeeds } = parts;
    this.#inheritedUntilMs = succeeds ? clock.monotonicMs() + terms.durationMs + terms.marginMs : 0;
    this.#wallOffsetMs = clock.wallMs() - clock.monotonicMs();
  }

  /** Position of the last change. */
  get position(): number {
    return this.#recent.position;
  }

  /** The same, for who wants a receipt of the changes after it. */
  mark(): number {
    return this.#recent.position;
  }

  /** Streams that are open. */
  get attached(): number {
    let open = 0;
    for (const link of this.#links) if (!link.ended) open += 1;
    return open;
  }

  /** Sessions that are announced on open streams. */
  get sessions(): number {
    let open = 0;
    for (const link of this.#links) if (!link.ended) open += link.sessions;
    return open;
  }

  /** Whether an answer that was begun at `since` may be wrong by now. */
  touched(restsOn: readonly RecordKey[], since: number): boolean {
    return this.#recent.touched(restsOn, since);
  }

  /** A stream was opened. */
  attach(
    peer: Peer,
    client: string,
    tell: (change: LinkChange) => void,
    failStatic: ReadonlySet<string> = new Set(),
  ): AttachedLink {
    this.#sweep();
    const keysOf = (session: OpenSession): readonly RecordKey[] => this.#keysOf(peer, session);
    const link = new AttachedLink({ peer, client, terms: this.terms, failStatic, tell, keysOf });
    this.#links.add(link);
    return link;
  }

  /** A stream has ended: what it was leased still counts. */
  detach(link: AttachedLink): void {
    link.ended = true;
    this.#sweep();
  }

  /** A session was announced whose connect was answered at `since`: what it missed is told now. */
  announced(session: OpenSession, link: AttachedLink, since: number): void {
    if (!this.touched(this.#keysOf(link.peer, session), since)) return;
    this.apply({ scope: "records", revision: 0, keys: [`device:${session.device}`] });
  }

  /** A renewal was read; returns the duration to grant. */
  renewed(link: AttachedLink): number {
    const { clock } = this.#parts;
    const offset = clock.wallMs() - clock.monotonicMs();
    const moved = Math.abs(offset - this.#wallOffsetMs);
    this.#wallOffsetMs = offset;
    // Answers were bounded in time by the clock as it was.
    if (moved > jumpMs) this.apply({ scope: "everything", revision: 0 });
    return link.standing.renewed(clock.monotonicMs());
  }

  /** An answer leaves; returns for how long it may be acted on without a lease, milliseconds from when it was asked. */
  answered(link: AttachedLink): number {
    return link.standing.answered(this.#parts.clock.monotonicMs());
  }

  /** Something changed and is in force: tells whom it concerns, in this turn. Returns its position. */
  apply(change: Change): number {
    this.#sweep();
    const records = change.scope === "everything" ? change.scope : change.keys;
    const { clock } = this.#parts;
    const now = { monotonicMs: clock.monotonicMs(), unixS: clock.now() };
    const position = this.#recent.add(records);
    const concerned: Concerned[] = [];
    for (const link of this.#links) {
      const concern = link.change(position, records, now, (device) => this.#isCutOff(device));
      if (concern === undefined) continue;
      const { client, peer, standing } = link;
      const { promised, sessions: openSessions } = concern;
      const sessionsDone = () => link.report(position);
      concerned.push({ peer: peer.name, client, standing, openSessions, promised, sessionsDone });
    }
    this.#announced.push({ position, records, concerned });
    if (this.#announced.length > keptChanges) this.#announced.shift();
    return position;
  }

  /** An acknowledgement was read. `false`: of something that was never told. */
  acknowledged(link: AttachedLink, position: number, done?: { closed: number; kept: number }): boolean {
    const known = link.acknowledged(position, done);
    if (known) for (const look of this.#waiting) look();
    return known;
  }

  /** The receipt of every change after position `before`, as things stand. */
  receiptNow(before: number): Receipt {
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const changes = this.#announced.filter(({ position }) => position > before);
    // The last change that a stream was told stands for those before it.
    const last = new Map<Concerned["standing"], { position: number; one: Concerned }>();
    for (const { position, concerned } of changes)
      for (const one of concerned) last.set(one.standing, { position, one });
    const parts = [...last.values()].map(({ position, one }) => clientsOf(position, [one], nowMs));
    const inherited = nowMs < this.#inheritedUntilMs ? [{ peer: "*", client: "an earlier process" }] : [];
    const pending = [...parts.flatMap((part) => part.pending), ...inherited];
    return {
      epoch: this.epoch,
      position: changes.at(-1)?.position ?? before,
      complete: pending.length === 0,
      evicted: parts.flatMap(({ evicted }) => evicted),
      sessions: {
        closed: parts.reduce((sum, { sessions }) => sum + sessions.closed, 0),
        kept: parts.reduce((sum, { sessions }) => sum + sessions.kept, 0),
      },
      fenced: parts.flatMap(({ fenced }) => fenced),
      pending,
      unreachable: [],
      uncovered: this.#uncovered(changes),
    };
  }

  /** The receipt once it is complete, or after one lease and its margin as things stand then. */
  async receipt(before: number): Promise<Receipt> {
    const { durationMs, marginMs } = this.terms;
    const { monotonicMs } = this.#parts.clock;
    const graceMs = 100;
    const end = monotonicMs() + durationMs + marginMs + graceMs;
    for (;;) {
      const receipt = this.receiptNow(before);
      const leftMs = end - monotonicMs();
      if (receipt.complete || leftMs <= 0) return receipt;
      await this.#news(Math.min(leftMs, graceMs));
    }
  }

  #news(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        // Acknowledgements come together: one look at all of those of a turn.
        setImmediate(resolve);
      };
      const timer = setTimeout(done, atMostMs);
      this.#waiting.add(done);
    });
  }

  #uncovered(changes: readonly Announced[]): Uncovered[] {
    const now = this.#parts.clock.now();
    const ends = new Map<string, number>();
    const add = (key: string, until: number | undefined): void => {
      if (until === undefined || until <= now) return;
      const device = key.startsWith("device:") ? key.slice(7) : key;
      ends.set(device, Math.max(ends.get(device) ?? 0, until));
    };
    if (changes.some(({ records }) => records === "everything")) add("*", this.promises.latest(now));
    for (const { concerned, position, records } of changes) {
      if (records !== "everything") for (const key of records) add(key, this.promises.of(key, now));
      for (const { promised, standing } of concerned)
        if (standing.acknowledged < position) for (const { key, until } of promised) add(key, until);
    }
    return [...ends].map(([device, until]) =>
      until === unboundedUntil ? { device } : { device, may_allow_until: until },
    );
  }

  /** A device whose sessions need not be asked about: nothing is open to it. */
  #isCutOff(device: string): boolean {
    const stored = this.#parts.facts.device(device);
    if (stored === undefined) return this.#parts.facts.freshness().synced;
    const state = stored.record?.state;
    if (state === undefined) return false;
    return state.lifecycle === "retired" || (state.quarantine.active && state.quarantine.mode === "block");
  }

  /** Records behind the answers about a session; of a tenant that the peer may not ask about: none. */
  #keysOf(peer: Peer, { device, gateway }: OpenSession): readonly RecordKey[] {
    const keys: RecordKey[] = [];
    for (const id of gateway === "" ? [device] : [device, gateway]) {
      const record = this.#parts.facts.device(id)?.record;
      if (record !== undefined) {
        if (!peer.tenants.includes("*") && !peer.tenants.includes(record.tenant)) continue;
        keys.push(`tenant:${record.tenant}`, `firmware_policy:${record.tenant}/${record.class}`);
      }
      keys.push(`device:${id}`);
    }
    return keys;
  }

  #sweep(): void {
    const { clock } = this.#parts;
    const [nowMs, now] = [clock.monotonicMs(), clock.now()];
    for (const link of this.#links) {
      if (!link.ended || nowMs < link.standing.leasedUntilMs || now < link.staticUntil) continue;
      this.#links.delete(link);
    }
  }
}
