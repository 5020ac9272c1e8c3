/** The service in one process: builds the parts in order, mounts them, starts, stops. */
import path from "node:path";
import { Admin } from "./admin/admin.ts";
import { reachOf, withdrawsTrust } from "./admin/reach.ts";
import { startBundles } from "./app/bundles.ts";
import { startCoherence } from "./app/coherence.ts";
import { followBucket } from "./app/nats.ts";
import { addressOf, decisionSink, peerEntries, rateLimits } from "./app/parts.ts";
import { openProver } from "./app/trust.ts";
import { updates, watchGates } from "./app/updates.ts";
import type { Config } from "./config/config.ts";
import type { Decider } from "./decision/decision.ts";
import type { Peer } from "./decision/identity.ts";
import { DecisionLog, discardDecisions } from "./log/decision-log.ts";
import { Activation } from "./pdp/activation.ts";
import { nextDecisionId } from "./pdp/answer.ts";
import type { Attachments } from "./pdp/attachments.ts";
import { cacheMetrics, DecisionCounts } from "./pdp/metrics.ts";
import { Pdp, type PeerDecider } from "./pdp/pdp.ts";
import { DutyLedger } from "./registry/duty-ledger.ts";
import { Overrides } from "./registry/overrides.ts";
import { createRecordValidator } from "./registry/record-validator.ts";
import { openRegistry, type Registry } from "./registry/registry.ts";
import { RegistryFile } from "./registry/registry-file.ts";
import { registryMetrics } from "./registry/registry-metrics.ts";
import { withDuties } from "./registry/with-duties.ts";
import { withOverrides } from "./registry/with-overrides.ts";
import { type Clock, systemClock } from "./runtime/clock.ts";
import { Closing } from "./runtime/closing.ts";
import { Fault } from "./runtime/fault.ts";
import type { Metric } from "./runtime/ports.ts";
import { GrpcListener } from "./server/grpc-listener.ts";
import { HttpListener } from "./server/http-listener.ts";
import { PeerTable } from "./server/peers.ts";
import { TlsFiles } from "./server/tls-files.ts";
import { adminService } from "./services/admin-service.ts";
import { bundleService } from "./services/bundle-service.ts";
import { decisionService } from "./services/decision-service.ts";
import { registryService } from "./services/registry-service.ts";
import { channelLines } from "./telemetry/channel-lines.ts";
import { healthRoutes, missingOf, type Requirement } from "./telemetry/health-routes.ts";
import { createLogger, type Logger } from "./telemetry/logger.ts";
import { metricsRoute } from "./telemetry/metrics-route.ts";
import { watchChannels } from "./telemetry/watch-channels.ts";

/** What a caller may choose besides the configuration. */
export interface AppOptions {
  readonly clock?: Clock;
  readonly version?: string;
  /** Where lines of the program's own log go; default: standard error. */
  readonly logger?: Logger;
}

/** A running service. */
export interface App extends AsyncDisposable {
  readonly grpcAddress: string;
  readonly httpAddress: string;
  readonly registry: Registry;
  /** Attached streams, and receipts of what they answer. */
  readonly attachments: Attachments;
  /** An in-process decider for a configured peer. Throws `not_found`. */
  decider(peerName: string): PeerDecider & Decider;
  /** What is missing before the service is ready; empty: ready. */
  missing(): readonly { readonly name: string; readonly why: string }[];
  /** Looks at the record file and at TLS files now, without waiting for the watch. */
  reload(): Promise<void>;
  /** Stops gracefully: not serving, drain, flush, close. */
  close(): Promise<void>;
}

const protoRoot = path.resolve(import.meta.dirname, "../proto");
const protoFiles = ["decision", "registry", "admin", "broker", "bundle", "eligibility"].map(
  (name) => `sallyport/v1/${name}.proto`,
);
const readinessPollMs = 250;

/** Starts the service. Throws a fault that says what is wrong; then nothing is left open. */
export async function startApp(config: Config, options: AppOptions = {}): Promise<App> {
  const stack = new Closing();
  try {
    return await build(config, options, stack);
  } catch (thrown) {
    await stack[Symbol.asyncDispose]();
    throw thrown;
  }
}

async function build(config: Config, options: AppOptions, stack: Closing): Promise<App> {
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? createLogger(config.log);
  stack.use(watchChannels(channelLines, logger, clock));
  const onFault = (thrown: unknown): void => logger.error("a call failed", { error: thrown });

  // Facts first: nothing can be decided before them.
  const registry = stack.use(await openRegistry({ dir: config.registry.dir, clock }));
  const ledger = stack.use(await DutyLedger.open(path.join(config.registry.dir, "duties")));
  const overrides = stack.use(
    await Overrides.open({
      dir: config.overrides.dir ?? path.join(config.registry.dir, "overrides"),
      initialize: config.overrides.initialize,
      clock,
      reach: (target) => reachOf(target, registry),
      leavesMark: (override) => withdrawsTrust(override, registry),
    }),
  );
  const marked = withDuties(registry, ledger);
  const records = withOverrides(marked, overrides);

  // The decision log, then who decides.
  const sink = decisionSink(config);
  const activation: { mask: Activation["mask"] } = { mask: () => undefined };
  const log =
    sink === undefined
      ? undefined
      : new DecisionLog({
          sink,
          clock,
          labels: { app: "sallyport", version: options.version ?? "" },
          queueMax: config.decision_log.queue_max,
          aggregateHitsS: config.decision_log.aggregate_hits_s,
          mask: () => activation.mask(),
        });
  if (log !== undefined) stack.use(log);
  const watch = watchGates(log ?? discardDecisions, records, overrides, onFault);
  const counts = new DecisionCounts(watch);
  const prover = await openProver(config, records, clock);
  const limits = rateLimits(config, clock);
  const pdp = new Pdp({
    ...(limits === undefined ? {} : { rateLimits: limits }),
    facts: records,
    clock,
    prover,
    effects: ledger,
    recorder: counts,
    cacheLimits: config.cache,
    queryLimits: { topic_bytes: config.limits.topic_bytes, approvals: config.limits.approvals },
    onFault: (fault, query) => logger.error("a policy evaluation failed", { error: fault, kind: query.kind }),
  });
  stack.defer(registry.onChange((change) => pdp.apply(change)));
  stack.defer(ledger.onChange((change) => pdp.apply(change)));
  stack.defer(overrides.onChange((change) => pdp.apply(change)));
  const coherence = startCoherence(config, records, clock);
  const { attachments, promised } = coherence;
  stack.defer(pdp.onChange((change) => void attachments.apply(change)));
  const admin = new Admin({
    overrides,
    registry,
    records: marked,
    clock,
    record: (act) => {
      const id = nextDecisionId();
      log?.acted(act, id);
      return id;
    },
  });

  // The policy, then the records of the source: from here on questions have answers.
  const activations = stack.use(new Activation(pdp, clock));
  activation.mask = activations.mask;
  const bundles = await startBundles(config, { pdp, activation: activations, clock, stack });
  const file = config.registry.file;
  const source =
    file === undefined
      ? undefined
      : stack.use(
          await RegistryFile.open(registry, {
            path: file.path,
            clock,
            pollMs: file.poll_s * 1000,
            maxLostShare: file.max_delete_share,
          }),
        );

  followBucket(config, registry, clock, stack);

  const entries = peerEntries(config);
  const deciders = new Map<Peer, PeerDecider>(entries.map(({ peer }) => [peer, pdp.decider(peer)]));
  const deciderOf = (peer: Peer): PeerDecider => deciders.get(peer) ?? pdp.decider(peer);
  const requirements: readonly Requirement[] = [
    {
      name: "bundle",
      missing: () => (pdp.snapshot === undefined ? bundles.pipeline.missing() : undefined),
    },
    {
      name: "registry",
      missing: () => (registry.freshness().synced ? undefined : "no snapshot of records was completed yet"),
    },
    { name: "overrides", missing: () => overrides.missing },
  ];
  const metrics: readonly Metric[] = [
    ...counts.metrics(),
    ...cacheMetrics(pdp, clock),
    ...activations.metrics(),
    ...bundles.pipeline.metrics(),
    ...registryMetrics(registry),
    ...coherence.metrics,
    ...(log?.metrics() ?? []),
  ];

  // Faces last.
  const peers = new PeerTable(entries);
  const openTls = async (listener: Config["grpc"]): Promise<TlsFiles | undefined> =>
    listener.tls === undefined
      ? undefined
      : stack.use(
          await TlsFiles.open(listener.tls, (fault) =>
            logger.error("TLS files cannot be used", { error: fault }),
          ),
        );
  const tls = { grpc: await openTls(config.grpc), http: await openTls(config.http) };
  const drainMs = config.shutdown.drain_s * 1000;
  const grpc = await GrpcListener.start({
    address: addressOf(config.grpc.listen),
    services: [
      decisionService({ deciderOf, limits: config.limits, promised }),
      coherence.service(deciderOf),
      registryService({
        records,
        status: () => registry.status(),
        sync: {
          registry,
          validate: createRecordValidator(),
          clock,
          maxLostShare: config.registry.push.max_delete_share,
        },
        bundle: () => activations.bundle,
      }),
      adminService(admin, attachments),
      bundleService(bundles.pipeline),
      updates({ registry, records, overrides, watch, pdp, clock, deciderOf }),
    ],
    peers,
    tls: tls.grpc,
    insecure: config.insecure,
    messageBytes: config.limits.message_bytes,
    metadataBytes: config.limits.metadata_bytes,
    streamsPerConnection: config.limits.streams_per_connection,
    protos: { root: protoRoot, files: protoFiles },
    onFault,
  });
  stack.defer(() => grpc.close(drainMs));
  const http = await HttpListener.start({
    address: addressOf(config.http.listen),
    routes: [...healthRoutes(requirements), metricsRoute(metrics)],
    peers,
    tls: tls.http,
    insecure: config.insecure,
    bodyBytes: config.limits.message_bytes,
    headerBytes: config.limits.metadata_bytes,
    onFault,
  });
  stack.defer(() => http.close(drainMs));

  const missing = (): readonly { name: string; why: string }[] => missingOf(requirements);
  const sayServing = (): void => grpc.setServing(missing().length === 0);
  const readiness = setInterval(sayServing, readinessPollMs).unref();
  stack.defer(() => clearInterval(readiness));
  sayServing();

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= stack[Symbol.asyncDispose]();
    return closing;
  };
  return {
    grpcAddress: grpc.address,
    httpAddress: http.address,
    registry,
    attachments,
    missing,
    decider: (peerName) => {
      const entry = entries.find(({ peer }) => peer.name === peerName);
      if (entry === undefined)
        throw new Fault("not_found", `there is no peer \`${peerName}\` in the configuration`);
      return deciderOf(entry.peer);
    },
    reload: async () => {
      await source?.look();
      await bundles.look();
      await tls.grpc?.reload();
      await tls.http?.reload();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
