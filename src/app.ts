/** The service in one process: builds the parts in order, mounts them, starts, stops. */
import path from "node:path";
import { openBrokers } from "./app/brokers.ts";
import { type Deciding, deciderNamed, startDeciding } from "./app/deciding.ts";
import { openFaces } from "./app/faces.ts";
import { openFacts } from "./app/facts.ts";
import { Offences } from "./app/offences.ts";
import { decisionSink } from "./app/parts.ts";
import { decidingServices } from "./app/services.ts";
import { pauseRollout } from "./app/updates.ts";
import { Watchdog } from "./app/watchdog.ts";
import { startWriting } from "./app/writing.ts";
import type { Config } from "./config/config.ts";
import type { Decider } from "./decision/decision.ts";
import type { Attachments } from "./pdp/attachments.ts";
import type { PeerDecider } from "./pdp/pdp.ts";
import type { OtherProcesses } from "./pdp/pipeline-parts.ts";
import type { Registry } from "./registry/registry.ts";
import { type Clock, systemClock } from "./runtime/clock.ts";
import { Closing } from "./runtime/closing.ts";
import { channelLines } from "./telemetry/channel-lines.ts";
import { healthRoutes, missingOf } from "./telemetry/health-routes.ts";
import { createLogger, type Logger } from "./telemetry/logger.ts";
import { metricsRoute } from "./telemetry/metrics-route.ts";
import { watchChannels } from "./telemetry/watch-channels.ts";

/** What a caller may choose besides the configuration. */
export interface AppOptions {
  readonly clock?: Clock;
  readonly version?: string;
  /** Where lines of the program's own log go; default: standard error. */
  readonly logger?: Logger;
  /** End the process by SIGKILL where an evaluation of the policy does not end, for a supervisor to start it again. */
  readonly watchdog?: boolean;
}

/** A running service, however many processes it has. */
export interface Service extends AsyncDisposable {
  readonly grpcAddress: string;
  readonly httpAddress: string;
  readonly registry: Registry;
  /** What is missing before the service is ready; empty: ready. */
  missing(): readonly { readonly name: string; readonly why: string }[];
  /** Looks at the record file and at TLS files now, without waiting for the watch. */
  reload(): Promise<void>;
  /** Stops gracefully: not serving, drain, flush, close. */
  close(): Promise<void>;
}

/** A service in this process. */
export interface App extends Service {
  /** Attached streams, and receipts of what they answer. */
  readonly attachments: Attachments;
  /** An in-process decider for a configured peer. Throws `not_found`. */
  decider(peerName: string): PeerDecider & Decider;
}

const readinessPollMs = 250;

/** Starts the service in this process. Throws a fault that says what is wrong; then nothing is left open. */
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
  const { clock = systemClock, logger = createLogger(config.log), version = "" } = options;
  stack.use(watchChannels(channelLines, logger, clock));

  // Facts first: nothing can be decided before them.
  const facts = await openFacts(config, clock, stack);
  const { effects, ledger, overrides, plane, records, registry } = facts;
  const offences = new Offences(config.registry.dir);
  const report = path.join(config.registry.dir, "blocked-question.json");
  offences.take(report);
  const evaluationMs = config.processes.evaluation_s * 1000;
  const policyWatch =
    options.watchdog === true ? stack.use(new Watchdog({ report, evaluationMs })) : undefined;
  const deciding: Deciding = await startDeciding({
    config,
    version,
    clock,
    logger,
    stack,
    records,
    effects,
    leases: () => plane?.grantsLeases !== false,
    pauses: {
      of: (target) => overrides.of(target),
      pause: (rollout, reason) => pauseRollout(overrides, rollout, reason),
    },
    sink: decisionSink(config),
    inheritance: {},
    policyWatch,
  });
  const { coherence, pdp } = deciding;
  for (const changing of [registry, ledger, overrides])
    stack.defer(changing.onChange((change) => pdp.apply(change)));
  const others: OtherProcesses = {
    prepare: async () => undefined,
    commit: async (offer) => {
      offences.inForce(offer.bundle.digest);
      pdp.barred = new Set(offences.barred);
    },
    drop: async () => undefined,
  };
  const writing = await startWriting({ config, clock, stack, facts, deciding, others });

  // Faces last.
  const { requirements } = writing;
  const metrics = [...deciding.metrics, ...writing.metrics, ...offences.metrics()];
  const { attachments } = coherence;
  const brokers = await openBrokers({ config, clock, stack, deciding });
  const faces = await openFaces({
    config,
    logger,
    stack,
    entries: deciding.entries,
    services: [
      ...decidingServices({ config, clock, deciding, registry, records, overrides }),
      ...writing.services(attachments),
      ...brokers.services,
    ],
    routes: [
      ...healthRoutes(requirements),
      metricsRoute([...metrics, ...brokers.metrics]),
      ...brokers.routes,
    ],
    onFault: deciding.onFault,
  });
  const missing = (): readonly { name: string; why: string }[] => missingOf(requirements);
  const sayServing = (): void => faces.grpc.setServing(missing().length === 0);
  const readiness = setInterval(sayServing, readinessPollMs).unref();
  stack.defer(() => clearInterval(readiness));
  sayServing();

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= stack[Symbol.asyncDispose]();
    return closing;
  };
  return {
    grpcAddress: faces.grpc.address,
    httpAddress: faces.http.address,
    registry,
    attachments,
    missing,
    decider: (peerName) => deciderNamed(deciding, peerName),
    reload: async () => {
      await writing.look();
      await faces.reload();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
