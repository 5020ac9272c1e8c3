/** What the primary and its workers ask each other. */
import type { ShadowReport } from "../bundle/candidate.ts";
import type { Receipt } from "../coherence/receipt.ts";
import type { Config } from "../config/config.ts";
import type { Change } from "../decision/change.ts";
import type { SharedSession } from "../enforcement/session-exchange.ts";
import type { ShadowRules } from "../pdp/shadow.ts";
import type { SourceScope } from "../registry/may-own.ts";
import type { TargetState } from "../registry/override-mirror.ts";
import type { HttpRequest, HttpResponse, MetricReading } from "../runtime/ports.ts";

/** How fresh the primary's facts are, and whether the service is ready. */
export interface FactsTold {
  readonly revision: number;
  readonly synced: boolean;
  /** The sources of records, each with when it was complete: milliseconds of the machine's clock, one for all processes. */
  readonly sources: readonly (SourceScope & { readonly asOfHrMs: number })[];
  /** When all was known that other nodes have done, where there are others. */
  readonly overridesAsOfHrMs: number | undefined;
  /** Why there are no overrides to go by; absent: there are. */
  readonly overridesMissing?: string | undefined;
  /** Whether leases may be granted. */
  readonly leases: boolean;
  readonly serving: boolean;
}

/** A change, with what it needs that no reader finds in a file. */
export interface ChangeTold {
  readonly change: Change;
  readonly facts: FactsTold;
  readonly target?: TargetState | undefined;
}

/** A bundle that was proved. */
export interface BundleTold {
  readonly digest: string;
  readonly archive: Uint8Array;
  /** Unix seconds at which it came into force; 0: not yet. */
  readonly activatedAt: number;
}

/** What a worker begins with. */
export interface WorkerStart {
  readonly number: number;
  readonly config: Config;
  readonly version: string;
  /** Socket of the primary, and what proves a worker there. */
  readonly inner: { readonly path: string; readonly secret: string };
  /** Folder for what must outlive the worker. */
  readonly runDir: string;
  readonly facts: FactsTold;
  readonly overrides: readonly TargetState[];
  readonly bundle: BundleTold | undefined;
  readonly barred: readonly string[];
  /** End of what processes of an earlier run have promised, unix seconds. */
  readonly promisedUntil: number;
  /** HTTP routes that the primary answers. */
  readonly routes: readonly {
    readonly method: "GET" | "POST";
    readonly path: string;
    readonly open: boolean;
  }[];
}

/** A sign of life. */
export interface Pulse {
  readonly attached: number;
  readonly rssBytes: number;
}

/** What a worker has found of a candidate so far. */
export interface ShadowFound {
  readonly report?: ShadowReport;
  /** It cannot answer a live question. */
  readonly fault?: string;
}

/** A session of a broker by its key, and the worker that asks. */
export interface SessionAbout {
  readonly broker: string;
  readonly key: string;
  readonly worker: number;
}

/** This one, and no later one of the same key. */
export interface SessionEnd extends SessionAbout {
  readonly id: string;
}

/** A session that was let in; its end is on the machine's monotonic clock. */
export interface SessionTold extends Omit<SessionAbout, "key"> {
  readonly session: SharedSession;
}

/** Calls that a worker answers. */
export type WorkerCalls = {
  /** Builds everything but the listeners; answers with the digest of the bundle in force. */
  readonly start: (start: WorkerStart) => Promise<string | undefined>;
  /** Opens the listeners. */
  readonly serve: () => Promise<void>;
  /** Obeys a change from the next decision on. */
  readonly change: (told: ChangeTold) => unknown;
  readonly beat: (facts: FactsTold) => Pulse | Promise<Pulse>;
  /** Compiles and loads a bundle beside the one in force. */
  readonly prepare: (bundle: BundleTold) => Promise<void>;
  /** Puts the prepared bundle in force. */
  readonly commit: (bundle: Pick<BundleTold, "digest" | "activatedAt">) => unknown;
  /** Puts a prepared bundle away. */
  readonly drop: (digest: string) => unknown;
  /** Denies these subjects from now on. */
  readonly bar: (barred: readonly string[]) => unknown;
  /** Compares a prepared bundle on live questions, from the first time it is asked; answers with what was found. */
  readonly shadow: (order: {
    readonly digest: string;
    readonly rules: ShadowRules;
  }) => ShadowFound | Promise<ShadowFound>;
  readonly shadowEnd: (digest: string) => unknown;
  readonly mark: () => number | Promise<number>;
  readonly receiptNow: (mark: number) => Receipt | Promise<Receipt>;
  readonly receipt: (mark: number) => Promise<Receipt>;
  /** A session of a broker counts no more. */
  readonly forgetSession: (told: Omit<SessionEnd, "worker">) => unknown;
  /** Takes over sessions whose worker has ended, and judges them again. */
  readonly adoptSessions: (told: {
    readonly broker: string;
    readonly sessions: readonly SharedSession[];
  }) => unknown;
  readonly metrics: () => readonly MetricReading[] | Promise<readonly MetricReading[]>;
  readonly reload: () => Promise<void>;
  /** Drains, closes, ends. */
  readonly stop: () => Promise<void>;
};

/** Calls that the primary answers. */
export type PrimaryCalls = {
  readonly spendClaim: (claim: {
    readonly fingerprint: string;
    readonly deviceId: string;
  }) => Promise<boolean>;
  readonly markReentry: (mark: { readonly deviceId: string; readonly since: number }) => Promise<void>;
  readonly pause: (pause: { readonly rollout: string; readonly reason: string }) => Promise<void>;
  /** Writes lines of the decision log to standard output. */
  readonly log: (lines: string) => Promise<void>;
  readonly http: (request: HttpRequest) => Promise<HttpResponse>;
  readonly sessionOpened: (told: SessionTold) => Promise<void>;
  readonly sessionFind: (about: SessionAbout) => SharedSession | undefined;
  readonly sessionEnding: (end: SessionEnd) => boolean;
  readonly sessionGone: (end: SessionEnd) => void;
};
