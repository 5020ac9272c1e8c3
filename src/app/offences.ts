/** Questions that blocked the policy: told, and when they come again, denied. */
import { channel } from "node:diagnostics_channel";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Metric } from "../runtime/ports.ts";
import type { BlockedReport } from "./watchdog.ts";

/** What the channel `sallyport:app:blocked` says. */
export interface BlockedNews {
  readonly entrypoint: string;
  /** Device that the question was about, where its input names one. */
  readonly device: string;
  /** How often a question of this kind about this device did it. */
  readonly times: number;
  /** Whether such questions are denied from now on. */
  readonly denied: boolean;
  readonly input: string;
}

const blocked = channel("sallyport:app:blocked");
/** So often may it happen before such questions are denied. */
const tolerated = 1;
/** Devices that are counted; beyond it the oldest are forgotten. */
const most = 10_000;

interface Saved {
  readonly bundle: string;
  readonly times: readonly (readonly [string, number])[];
}

/** Counts them, across restarts, until another bundle is in force, which may judge them in time. */
export class Offences {
  readonly #file: string;
  readonly #times = new Map<string, number>();
  /** Digest of the bundle that they blocked. */
  #bundle = "";
  #total = 0;

  /** `dir`: the folder that the counts are kept in. */
  constructor(dir: string) {
    this.#file = path.join(dir, "blocked-policy.json");
    try {
      const saved = JSON.parse(readFileSync(this.#file, "utf8")) as Saved;
      this.#bundle = saved.bundle;
      this.#times = new Map(saved.times);
    } catch {
      // Nothing was counted, or nothing that can be read: it is counted anew.
    }
  }

  /** Kinds and devices whose questions are denied, as `publish meter-001`. */
  get barred(): readonly string[] {
    return [...this.#times].filter(([, times]) => times > tolerated).map(([key]) => key);
  }

  /** Takes the report of a process that was ended; `undefined`: it left none. Says whether more is denied now. */
  take(file: string): { readonly denied: boolean } | undefined {
    let report: BlockedReport;
    try {
      report = JSON.parse(readFileSync(file, "utf8")) as BlockedReport;
      rmSync(file, { force: true });
    } catch {
      return undefined;
    }
    this.#total += 1;
    const { entrypoint, input } = report;
    const device = deviceIn(input);
    const key = `${entrypoint.slice(entrypoint.lastIndexOf("/") + 1)} ${device}`;
    const times = device === "" ? 1 : (this.#times.get(key) ?? 0) + 1;
    if (device !== "") {
      this.#count(key, times);
      this.#save();
    }
    const denied = times > tolerated;
    blocked.publish({ entrypoint, device, times, denied, input } satisfies BlockedNews);
    return { denied };
  }

  /** This bundle is in force: another one than before is judged by itself. */
  inForce(digest: string): void {
    if (digest === this.#bundle) return;
    this.#bundle = digest;
    this.#times.clear();
    this.#save();
  }

  #save(): void {
    const saved: Saved = { bundle: this.#bundle, times: [...this.#times] };
    try {
      mkdirSync(path.dirname(this.#file), { recursive: true });
      writeFileSync(`${this.#file}.new`, JSON.stringify(saved));
      renameSync(`${this.#file}.new`, this.#file);
    } catch {
      // They are counted in memory all the same.
    }
  }

  #count(key: string, times: number): void {
    this.#times.delete(key);
    this.#times.set(key, times);
    for (const oldest of this.#times.keys()) {
      if (this.#times.size <= most) return;
      this.#times.delete(oldest);
    }
  }

  /** Numbers for Prometheus. */
  metrics(): readonly Metric[] {
    return [
      {
        name: "sallyport_policy_blocked_total",
        help: "Evaluations that did not end in time; their process was ended.",
        type: "counter",
        read: () => [{ labels: {}, value: this.#total }],
      },
      {
        name: "sallyport_policy_barred",
        help: "Kinds and devices whose questions are denied because they blocked the policy again.",
        type: "gauge",
        read: () => [{ labels: {}, value: this.barred.length }],
      },
    ];
  }
}

function deviceIn(input: string): string {
  try {
    const { device } = JSON.parse(input) as { device?: { id?: unknown } };
    return typeof device?.id === "string" ? device.id : "";
  } catch {
    return "";
  }
}
