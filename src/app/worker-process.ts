/** A worker: decides by what the primary tells it, and passes on what only the primary may do. */
import path from "node:path";
import { readBundle } from "../bundle/read-bundle.ts";
import type { SharedSession } from "../enforcement/session-exchange.ts";
import { AdminServiceService } from "../gen/sallyport/v1/admin.ts";
import { BundleServiceService } from "../gen/sallyport/v1/bundle.ts";
import { RegistryServiceService } from "../gen/sallyport/v1/registry.ts";
import { type Loaded, loadBundle } from "../pdp/activation.ts";
import { preflight } from "../pdp/preflight.ts";
import { Shadow, type ShadowRules } from "../pdp/shadow.ts";
import { systemClock } from "../runtime/clock.ts";
import { Closing } from "../runtime/closing.ts";
import { Fault } from "../runtime/fault.ts";
import type { HttpRoute, Metric } from "../runtime/ports.ts";
import { Forwarder } from "../server/forward.ts";
import { channelLines } from "../telemetry/channel-lines.ts";
import { createLogger, type Logger } from "../telemetry/logger.ts";
import { watchChannels } from "../telemetry/watch-channels.ts";
import { type Brokers, openBrokers } from "./brokers.ts";
import { type Deciding, startDeciding } from "./deciding.ts";
import { type Faces, openFaces } from "./faces.ts";
import { decidingServices } from "./services.ts";
import { Watchdog } from "./watchdog.ts";
import type {
  BundleTold,
  ChangeTold,
  FactsTold,
  SessionEnd,
  ShadowFound,
  WorkerStart,
} from "./worker-calls.ts";
import { openWorkerFacts, type WorkerFacts } from "./worker-facts.ts";
import { fromMachine, sessionExchange } from "./worker-sessions.ts";
import { type ToPrimary, workerSink } from "./worker-sink.ts";

/** A duty that takes longer is a denial. */
const dutyMs = 2000;
const httpMs = 5000;
/** A receipt that is waited for takes a lease at most, which is 60 s at most. */
const forwardMs = 90_000;
const compileMs = 60_000;
/** How far the thread that compiles stands back behind the one that answers. */
const niceness = 10;

/** Everything of a worker but its channel. */
export class WorkerProcess {
  readonly #start: WorkerStart;
  readonly #primary: ToPrimary;
  readonly #stack: Closing;
  readonly #facts: WorkerFacts;
  readonly #deciding: Deciding;
  readonly #logger: Logger;
  #faces: Faces | undefined;
  #brokers: Brokers | undefined;
  #serving: boolean;
  /** A bundle that was loaded and is not in force yet. */
  #prepared: Loaded | undefined;
  #shadow: { readonly digest: string; readonly comparing: Shadow; fault: Fault | undefined } | undefined;

  private constructor(
    start: WorkerStart,
    primary: ToPrimary,
    stack: Closing,
    facts: WorkerFacts,
    deciding: Deciding,
    logger: Logger,
  ) {
    this.#logger = logger;
    this.#start = start;
    this.#primary = primary;
    this.#stack = stack;
    this.#facts = facts;
    this.#deciding = deciding;
    this.#serving = start.facts.serving;
    deciding.pdp.barred = new Set(start.barred);
  }

  /** Builds it; it serves nobody yet. */
  static async start(start: WorkerStart, primary: ToPrimary): Promise<WorkerProcess> {
    const { config, number } = start;
    const clock = systemClock;
    const stack = new Closing();
    const logger = createLogger({ ...config.log, fields: { worker: number } });
    stack.defer(() => logger.flush());
    stack.use(watchChannels(channelLines, logger, clock));
    const facts = openWorkerFacts(config, start, clock, stack);
    const deciding = await startDeciding({
      config,
      version: start.version,
      clock,
      logger,
      stack,
      records: facts.records,
      leases: () => facts.leases(),
      effects: {
        spendClaim: (fingerprint, deviceId) => primary.ask("spendClaim", { fingerprint, deviceId }, dutyMs),
        markReentry: (deviceId, since) => primary.ask("markReentry", { deviceId, since }, dutyMs),
      },
      pauses: {
        of: (target) => facts.overrides.of(target),
        pause: (rollout, reason) => primary.ask("pause", { rollout, reason }, dutyMs),
      },
      sink: workerSink(config, number, primary),
      inheritance: { worker: number, promisedUntil: start.promisedUntil, leasesAccounted: true },
      policyWatch: stack.use(
        new Watchdog({
          report: path.join(start.runDir, `blocked-${process.pid}.json`),
          evaluationMs: config.processes.evaluation_s * 1000,
        }),
      ),
    });
    const worker = new WorkerProcess(start, primary, stack, facts, deciding, logger);
    if (start.bundle !== undefined) {
      const bundle = await readBundle(start.bundle.archive);
      deciding.activation.swap(
        await loadBundle(bundle, start.bundle.activatedAt, { watch: deciding.activation.watch }),
      );
    }
    return worker;
  }

  /** Digest of the bundle in force. */
  get bundle(): string | undefined {
    return this.#deciding.activation.bundle?.digest;
  }

  async serve(): Promise<void> {
    const { config, inner, routes } = this.#start;
    const forwarder = this.#stack.use(
      new Forwarder({ ...inner, deadlineMs: forwardMs, wallMs: () => systemClock.wallMs() }),
    );
    const { overrides, records, registry } = this.#facts;
    const deciding = this.#deciding;
    const asked = routes.map(
      (route): HttpRoute => ({
        ...route,
        handle: (request) => this.#primary.ask("http", request, httpMs),
      }),
    );
    this.#brokers = await openBrokers({
      config,
      clock: systemClock,
      stack: this.#stack,
      deciding,
      exchange: (broker) => sessionExchange(this.#primary, this.#start.number, broker, systemClock),
    });
    this.#faces = await openFaces({
      config,
      logger: this.#logger,
      stack: this.#stack,
      entries: deciding.entries,
      services: [
        ...decidingServices({ config, clock: systemClock, deciding, registry, records, overrides }),
        ...[AdminServiceService, BundleServiceService, RegistryServiceService].map((definition) =>
          forwarder.service(definition),
        ),
        ...this.#brokers.services,
      ],
      routes: [...asked, ...this.#brokers.routes],
      onFault: deciding.onFault,
    });
    this.#sayServing();
  }

  told(facts: FactsTold): void {
    this.#facts.told(facts);
    this.#serving = facts.serving;
    this.#sayServing();
  }

  apply(told: ChangeTold): void {
    this.#facts.apply(told);
    this.#deciding.pdp.apply(told.change);
  }

  /** Compiled in a thread, and warm: its cases have run there. */
  async prepare({ archive, digest }: BundleTold): Promise<void> {
    if (this.#prepared?.bundle.digest === digest) return;
    const bundle = await readBundle(archive);
    const { activation } = this.#deciding;
    this.drop(this.#prepared?.bundle.digest);
    activation.gather();
    const { checks } = this.#start.config.bundle;
    const tried = await preflight(bundle, {
      minCases: 0,
      deadlineMs: compileMs,
      p99Us: Number.POSITIVE_INFINITY,
      memoryMib: checks.memory_mib,
      // The primary has tried it; here its cases make the code warm.
      runs: 1,
      niceness,
    });
    const loaded = await loadBundle(bundle, systemClock.now(), { ...tried, watch: activation.watch });
    await activation.warm(loaded);
    this.#prepared = loaded;
  }

  /** Compares the prepared bundle from now on. A worker that has not prepared it has found nothing. */
  shadow({ digest, rules }: { readonly digest: string; readonly rules: ShadowRules }): ShadowFound {
    const { pdp } = this.#deciding;
    const prepared = this.#prepared;
    if (prepared?.bundle.digest !== digest) return {};
    if (this.#shadow?.digest !== digest) {
      this.#shadow?.comparing[Symbol.dispose]();
      const comparing = new Shadow({
        // The primary judges, over all workers.
        rules: { ...rules, promote: "manual", maxNewlyAllowed: 1, maxNewlyDenied: 1 },
        monotonicMs: systemClock.monotonicMs,
        compare: (sample) => pdp.compare(sample, prepared.snapshot),
        onVerdict: (fault) => {
          if (this.#shadow?.comparing === comparing) this.#shadow.fault = fault;
        },
      });
      this.#shadow = { digest, comparing, fault: undefined };
      pdp.sampler = comparing.offer;
    }
    const { comparing, fault } = this.#shadow;
    return fault === undefined
      ? { report: comparing.report }
      : { report: comparing.report, fault: fault.message };
  }

  endShadow(digest: string): void {
    if (this.#shadow?.digest !== digest) return;
    this.#deciding.pdp.sampler = undefined;
    this.#shadow.comparing[Symbol.dispose]();
    this.#shadow = undefined;
  }

  commit(digest: string): void {
    if (this.bundle === digest) return;
    const prepared = this.#prepared;
    if (prepared?.bundle.digest !== digest)
      throw new Fault("not_ready", "the bundle to put in force was not prepared");
    this.endShadow(digest);
    this.#prepared = undefined;
    this.#deciding.activation.swap(prepared);
    this.#deciding.pdp.barred = new Set();
  }

  drop(digest: string | undefined): void {
    if (digest === undefined || this.#prepared?.bundle.digest !== digest) return;
    this.endShadow(digest);
    this.#deciding.activation.cool();
    this.#prepared[Symbol.dispose]();
    this.#prepared = undefined;
  }

  forgetSession({ broker, key, id }: Omit<SessionEnd, "worker">): void {
    this.#brokers?.doors.get(broker)?.point.forget(key, id);
  }

  adoptSessions({
    broker,
    sessions,
  }: {
    readonly broker: string;
    readonly sessions: readonly SharedSession[];
  }): void {
    const point = this.#brokers?.doors.get(broker)?.point;
    if (point === undefined) throw new Fault("not_ready", "the worker has no door for this broker yet");
    for (const session of sessions) {
      const adopted = point.adopt(fromMachine(session, systemClock));
      if (adopted !== undefined) void point.review(adopted);
    }
  }

  get metrics(): readonly Metric[] {
    return [...this.#deciding.metrics, ...(this.#brokers?.metrics ?? [])];
  }

  /** What the primary may ask once the worker is built. */
  get deciding(): Deciding {
    return this.#deciding;
  }

  async reload(): Promise<void> {
    await this.#faces?.reload();
  }

  close(): Promise<void> {
    return this.#stack[Symbol.asyncDispose]();
  }

  #sayServing(): void {
    this.#faces?.grpc.setServing(this.#serving && this.#deciding.pdp.snapshot !== undefined);
  }
}
