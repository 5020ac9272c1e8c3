/** The process that owns the single writers, and the workers that answer. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisedBefore, promisedBy } from "./app/coherence.ts";
import { startDeciding } from "./app/deciding.ts";
import { openFacts } from "./app/facts.ts";
import { machineMs } from "./app/machine-clock.ts";
import { Offences } from "./app/offences.ts";
import { addressOf, decisionSink } from "./app/parts.ts";
import { ReceiptsOfAll } from "./app/receipts-of-all.ts";
import { SessionsOfAll } from "./app/sessions-of-all.ts";
import { ShadowOfAll } from "./app/shadow-of-all.ts";
import { pauseRollout } from "./app/updates.ts";
import type { FactsTold } from "./app/worker-calls.ts";
import { ForksAhead } from "./app/worker-fork.ts";
import { WorkerMetrics } from "./app/worker-metrics.ts";
import { WorkerPool } from "./app/worker-pool.ts";
import { startWriting } from "./app/writing.ts";
import type { AppOptions, Service } from "./app.ts";
import type { Config } from "./config/config.ts";
import type { Change } from "./decision/change.ts";
import type { OtherProcesses } from "./pdp/pipeline-parts.ts";
import type { TargetState } from "./registry/override-mirror.ts";
import { systemClock } from "./runtime/clock.ts";
import { Closing } from "./runtime/closing.ts";
import { Fault } from "./runtime/fault.ts";
import type { HttpRoute } from "./runtime/ports.ts";
import { formatAddress } from "./server/address.ts";
import { startInnerListener } from "./server/inner-listener.ts";
import { probe } from "./server/listening.ts";
import { channelLines } from "./telemetry/channel-lines.ts";
import { healthRoutes, missingOf, type Requirement } from "./telemetry/health-routes.ts";
import { createLogger } from "./telemetry/logger.ts";
import { metricsRoute } from "./telemetry/metrics-route.ts";
import { watchChannels } from "./telemetry/watch-channels.ts";

/** What whoever starts a primary may choose besides the configuration. */
export interface PrimaryOptions extends Omit<AppOptions, "clock"> {
  /** Processes for its workers, where they were started ahead; ended where the primary cannot start. */
  readonly ahead?: ForksAhead;
}

/** Starts this process as the primary of `workers` others. Throws a fault; then nothing is left running. */
export async function startPrimary(
  config: Config,
  workers: number,
  options: PrimaryOptions = {},
): Promise<Service> {
  const stack = new Closing();
  const ahead = stack.use(options.ahead ?? new ForksAhead(workers));
  try {
    return await build(config, workers, ahead, options, stack);
  } catch (thrown) {
    await stack[Symbol.asyncDispose]();
    throw thrown;
  }
}

async function build(
  config: Config,
  workers: number,
  ahead: ForksAhead,
  { logger = createLogger(config.log), version = "" }: PrimaryOptions,
  stack: Closing,
): Promise<Service> {
  const clock = systemClock;
  stack.use(watchChannels(channelLines, logger, clock));
  const runDir = await mkdtemp(path.join(tmpdir(), "sallyport-"));
  stack.defer(() => rm(runDir, { recursive: true, force: true }));
  const promisedUntil = promisedBefore(config);

  const facts = await openFacts(config, clock, stack);
  const { effects, ledger, overrides, plane, records, registry } = facts;
  // It answers nobody; it holds the mask of its own log, and judges bundles before any worker has them.
  const deciding = await startDeciding({
    config,
    version,
    clock,
    logger,
    stack,
    records,
    effects,
    pauses: { of: (target) => overrides.of(target), pause: async () => undefined },
    sink: decisionSink(config),
    inheritance: {},
  });
  const offences = new Offences(config.registry.dir);
  const targetState = (target: string): TargetState => ({
    target,
    overrides: overrides.of(target),
    lostSince: overrides.lostSince(target),
  });
  const targets = (): readonly TargetState[] => {
    const all = new Set([
      ...overrides.list().map(({ target }) => `${target.kind}:${target.id}`),
      ...overrides.marks().keys(),
    ]);
    return [...all].map(targetState);
  };

  const requirements: Requirement[] = [];
  const told = (): FactsTold => {
    const { synced } = registry.freshness();
    const [nowMs, now] = [machineMs(), clock.now()];
    // Nothing is older than the epoch of our clock.
    const agoMs = (ms: number): number => nowMs - Math.min(ms, now * 1000);
    return {
      revision: registry.revision,
      synced,
      sources: registry.knownSources().map(({ age, ...scope }) => ({
        ...scope,
        asOfHrMs: agoMs(clock.monotonicMs() - age.asOfMs),
      })),
      overridesAsOfHrMs: plane && agoMs(plane.lagS * 1000),
      overridesMissing: overrides.missing,
      leases: plane?.grantsLeases !== false,
      serving: missingOf(requirements).length === 0,
    };
  };
  const inner = { path: path.join(runDir, "primary.sock"), secret: randomBytes(32).toString("base64url") };
  const workerMetrics = new WorkerMetrics();
  const routes: HttpRoute[] = [];
  // Workers share a port only where all of them ask for the same one.
  const shared = async (listener: Config["grpc"]): Promise<Config["grpc"]> => ({
    ...listener,
    listen: formatAddress(await probe(addressOf(listener.listen))),
  });
  const [grpc, http] = [await shared(config.grpc), await shared(config.http)];
  const blockedFile = (pid: number): string => path.join(runDir, `blocked-${pid}.json`);
  const receipts = new ReceiptsOfAll({
    epoch: deciding.coherence.attachments.epoch,
    clock,
    pool: () => pool,
    leaseMs: deciding.coherence.attachments.terms.durationMs + deciding.coherence.attachments.terms.marginMs,
    succeeds: promisedUntil !== undefined,
    promisedUntil: (worker) => promisedBy(config, worker),
  });
  const sessions = stack.use(new SessionsOfAll(() => pool.slots));
  const first = new Set<number>();
  const pool: WorkerPool = new WorkerPool({
    count: workers,
    silentMs: config.processes.silent_s * 1000,
    drainMs: config.shutdown.drain_s * 1000,
    facts: told,
    fork: () => ahead.take(),
    calls: {
      spendClaim: ({ deviceId, fingerprint }) => effects.spendClaim(fingerprint, deviceId),
      markReentry: ({ deviceId, since }) => effects.markReentry(deviceId, since),
      pause: ({ reason, rollout }) => pauseRollout(overrides, rollout, reason),
      log: (lines) =>
        new Promise((resolve, reject) => {
          process.stdout.write(lines, (error) => (error == null ? resolve() : reject(error)));
        }),
      http: async (request) => {
        const route = routes.find((each) => each.method === request.method && each.path === request.path);
        if (route === undefined) throw new Fault("not_found", "there is nothing at this path");
        return route.handle(request);
      },
      sessionOpened: (told) => sessions.opened(told),
      sessionFind: (about) => sessions.find(about),
      sessionEnding: (end) => sessions.ending(end),
      sessionGone: (end) => sessions.gone(end),
    },
    start: (number) => {
      // A replacement takes over what its own predecessor wrote down; the first ones what anybody did.
      const inherited = first.has(number) ? 0 : (promisedUntil ?? 0);
      first.add(number);
      return {
        number,
        config: { ...config, grpc, http },
        version,
        inner,
        runDir,
        facts: told(),
        overrides: targets(),
        barred: offences.barred,
        promisedUntil: inherited,
        routes: routes.map(({ method, open, path: at }) => ({ method, open, path: at })),
      };
    },
    ended: (number, pid, cause) => {
      receipts.workerEnded(number);
      sessions.workerEnded(number);
      registry.releaseReaders();
      ledger.releaseReaders();
      const offence = offences.take(blockedFile(pid));
      if (offence?.denied === true) void pool.everyone("bar", offences.barred);
      return offence === undefined ? cause : "blocked";
    },
  });

  const passOn = async (change: Change, target?: string): Promise<void> => {
    deciding.pdp.apply(change);
    await pool.change({ change, target: target === undefined ? undefined : targetState(target) });
  };
  stack.defer(registry.onChange((change) => passOn(change)));
  stack.defer(ledger.onChange((change) => passOn(change)));
  stack.defer(overrides.onChange((change, target) => passOn(change, target)));
  const others: OtherProcesses = {
    prepare: (offer) => pool.prepare(offer),
    commit: (offer, activatedAt) => {
      offences.inForce(offer.bundle.digest);
      return pool.commit(offer, activatedAt);
    },
    drop: (digest) => pool.drop(digest),
    compare: (order, onVerdict) => new ShadowOfAll(pool, order, onVerdict),
  };
  const writing = await startWriting({ config, clock, stack, facts, deciding, others });
  requirements.push(...writing.requirements, {
    name: "workers",
    missing: () => (pool.live.length > 0 ? undefined : "no worker answers at this moment"),
  });
  routes.push(
    ...healthRoutes(requirements),
    metricsRoute([...writing.metrics, ...pool.metrics(), ...sessions.metrics(), ...offences.metrics()], () =>
      workerMetrics.collect(pool, deciding.log?.metrics() ?? []),
    ),
  );
  stack.use(
    await startInnerListener({
      ...inner,
      services: writing.services(receipts),
      entries: deciding.entries,
      messageBytes: config.limits.message_bytes,
      onFault: deciding.onFault,
    }),
  );

  stack.use(pool);
  await pool.start();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= stack[Symbol.asyncDispose]();
    return closing;
  };
  return {
    grpcAddress: grpc.listen,
    httpAddress: http.listen,
    registry,
    missing: () => missingOf(requirements),
    reload: async () => {
      await writing.look();
      await pool.everyone("reload", undefined as never);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
