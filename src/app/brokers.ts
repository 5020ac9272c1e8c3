/** Brokers that ask in dialects of their own: one door each, mounted on the listeners or connected to NATS. */
import { readFile } from "node:fs/promises";
import { answerEmqx, supports as emqxSupports, kickEmqx } from "../adapters/emqx/emqx.ts";
import { type ExhookMethods, exhookMethods, supports as exhookSupports } from "../adapters/exhook/exhook.ts";
import { mosquittoMethods, supports as mosquittoSupports } from "../adapters/mosquitto/mosquitto.ts";
import type { NatsCallout } from "../adapters/nats/nats.ts";
import { supports as natsSupports } from "../adapters/nats/supports.ts";
import {
  answerRabbit,
  kickRabbit,
  paths as rabbitPaths,
  supports as rabbitSupports,
} from "../adapters/rabbitmq/rabbitmq.ts";
import { answerVerne, kickVerne, supports as verneSupports } from "../adapters/vernemq/vernemq.ts";
import type { BrokerConfig } from "../config/brokers-schema.ts";
import type { Config } from "../config/config.ts";
import type { Peer } from "../decision/identity.ts";
import type { Supports } from "../decision/supports.ts";
import type { BrokerDoor } from "../enforcement/broker-door.ts";
import { type EnforcementParts, EnforcementPoint } from "../enforcement/enforcement-point.ts";
import type { SessionExchange } from "../enforcement/session-exchange.ts";
import { StormGuard } from "../enforcement/storm-guard.ts";
import { HookProviderService as HookProviderV2 } from "../gen/emqx/exhook/v2/exhook.ts";
import { HookProviderService as HookProviderV3 } from "../gen/emqx/exhook/v3/exhook.ts";
import { AuthServiceService } from "../gen/grpc/auth.ts";
import type { NatsNode } from "../nats/nats-node.ts";
import { nextDecisionId } from "../pdp/answer.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Closing } from "../runtime/closing.ts";
import { Fault } from "../runtime/fault.ts";
import type { GrpcService, HttpRoute, Metric } from "../runtime/ports.ts";
import { unary } from "../server/unary.ts";
import { brokerMetrics } from "./broker-metrics.ts";
import { type Answer, brokerRoutes } from "./broker-routes.ts";
import type { Deciding } from "./deciding.ts";

/** What the doors are made of. */
export interface BrokersParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly stack: Closing;
  readonly deciding: Deciding;
  /** Where other processes have doors to the same brokers. */
  readonly exchange?: (broker: string) => SessionExchange;
}

/** Doors that are open. */
export interface Brokers {
  readonly doors: ReadonlyMap<string, BrokerDoor>;
  readonly routes: readonly HttpRoute[];
  readonly services: readonly GrpcService[];
  readonly metrics: readonly Metric[];
}

async function secretIn(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (thrown) {
    throw Fault.from(thrown, "config_invalid", `cannot read \`${path}\``);
  }
}

type Kick = EnforcementParts["kick"];

async function kickOf({ dialect, kick }: BrokerConfig): Promise<Kick> {
  if (kick === undefined) return undefined;
  const password = (await secretIn(kick.password)) ?? "";
  const { url, user } = kick;
  switch (dialect) {
    case "rabbitmq":
      return (names, why) => kickRabbit({ url, user, password }, names, why);
    case "vernemq":
      return (names) => kickVerne({ url, key: password }, names);
    case "emqx":
    case "exhook":
      return (names) => kickEmqx({ url, key: user, secret: password }, names);
    case "nats":
    case "mosquitto":
      throw new Fault("config_invalid", `\`brokers[].kick\` is not for the dialect \`${dialect}\``);
    default:
      return dialect satisfies never;
  }
}

function supportsOf({ dialect, nats }: BrokerConfig, kick: Kick): Supports {
  switch (dialect) {
    case "rabbitmq":
      return rabbitSupports(kick !== undefined);
    case "vernemq":
      return verneSupports(kick !== undefined);
    case "emqx":
      return emqxSupports;
    case "exhook":
      return exhookSupports(kick !== undefined);
    case "mosquitto":
      return mosquittoSupports;
    case "nats":
      return natsSupports(nats?.system !== undefined);
    default:
      return dialect satisfies never;
  }
}

function peerNamed(deciding: Deciding, name: string): Peer {
  const entry = deciding.entries.find(({ peer }) => peer.name === name);
  if (entry === undefined)
    throw new Fault(
      "config_invalid",
      `\`brokers[].peer\` names \`${name}\`, and \`peers\` has none of that name`,
    );
  return entry.peer;
}

function openDoor(
  parts: BrokersParts,
  broker: BrokerConfig,
  peer: Peer,
  more: Partial<EnforcementParts>,
): BrokerDoor {
  const { clock, deciding, exchange, stack } = parts;
  const decider = deciding.deciderOf(peer);
  const kick = more.kick;
  const point = new EnforcementPoint({
    decider,
    prove: (evidence) => deciding.prover.prove(evidence, peer),
    supports: supportsOf(broker, kick),
    bounds: { maxQos: broker.max_qos, rateClasses: new Set(broker.rate_classes) },
    clock,
    deadlineMs: broker.deadline_ms,
    nextId: nextDecisionId,
    guard: new StormGuard(clock.monotonicMs, {
      perEvidence: { perSecond: broker.connects.per_s, burst: broker.connects.burst },
      perName: { perSecond: broker.connects.per_s, burst: broker.connects.burst },
      remembered: broker.connects.remembered,
    }),
    onFault: deciding.onFault,
    ...(exchange === undefined ? {} : { exchange: exchange(broker.name) }),
    ...more,
  });
  stack.defer(() => point[Symbol.dispose]());
  stack.defer(deciding.pdp.onChange((change) => void point.apply(change)));
  return {
    point,
    maxQos: broker.max_qos,
    mayRetain: broker.may_retain,
    cacheS: broker.cache_s,
    now: () => clock.now(),
    grants: (subject) => decider.grants(subject),
    promised: deciding.coherence.promised,
  };
}

/** Opens them. Throws `config_invalid`, `unreachable`. */
export async function openBrokers(parts: BrokersParts): Promise<Brokers> {
  const { config, deciding } = parts;
  const routes: HttpRoute[] = [];
  const doors = new Map<string, BrokerDoor>();
  const hooked = new Map<string, BrokerDoor>();
  const plugged = new Map<string, BrokerDoor>();
  for (const broker of config.brokers) {
    const peer = peerNamed(deciding, broker.peer);
    if (broker.dialect === "nats") {
      doors.set(broker.name, await openNats(parts, broker, peer));
      continue;
    }
    const kick = await kickOf(broker);
    const door = openDoor(parts, broker, peer, kick === undefined ? {} : { kick });
    doors.set(broker.name, door);
    const secret = await secretIn(broker.secret);
    const mount = (
      answers: Readonly<Record<string, Answer>>,
      methods: readonly HttpRoute["method"][],
    ): void => {
      routes.push(...brokerRoutes(broker.name, peer, secret, answers, methods));
    };
    if (broker.dialect === "rabbitmq") {
      const answer =
        (path: string): Answer =>
        (request) =>
          answerRabbit(door, broker.vhost, path, request);
      mount(Object.fromEntries(rabbitPaths.map((path) => [path, answer(path)])), ["GET", "POST"]);
    } else if (broker.dialect === "vernemq") {
      mount({ hook: (request) => answerVerne(door, request) }, ["POST"]);
    } else if (broker.dialect === "emqx") {
      const answer =
        (path: string): Answer =>
        (request) =>
          answerEmqx(door, path, request);
      mount({ authn: answer("authn"), authz: answer("authz") }, ["POST"]);
    } else (broker.dialect === "exhook" ? hooked : plugged).set(peer.name, door);
  }
  const services: GrpcService[] = [];
  if (hooked.size > 0) {
    const methods = exhookMethods((peer) => hooked.get(peer.name));
    services.push(hookService(HookProviderV2, methods), hookService(HookProviderV3, methods));
  }
  if (plugged.size > 0) {
    const methods = mosquittoMethods((peer) => plugged.get(peer.name));
    services.push({
      definition: AuthServiceService,
      implementation: {
        getUser: unary(methods.getUser),
        getSuperuser: unary(methods.getSuperuser),
        checkAcl: unary(methods.checkAcl),
        getName: unary(methods.getName),
        halt: unary(methods.halt),
      },
    });
  }
  return { doors, routes, services, metrics: brokerMetrics(doors, parts.exchange === undefined) };
}

function hookService(definition: GrpcService["definition"], methods: ExhookMethods): GrpcService {
  return {
    definition,
    implementation: {
      onProviderLoaded: unary(methods.onProviderLoaded),
      onProviderUnloaded: unary(methods.onProviderUnloaded),
      onClientAuthenticate: unary(methods.onClientAuthenticate),
      onClientAuthorize: unary(methods.onClientAuthorize),
      onClientDisconnected: unary(methods.onClientDisconnected),
    },
  };
}

async function openNats(parts: BrokersParts, broker: BrokerConfig, peer: Peer): Promise<BrokerDoor> {
  const { stack } = parts;
  const { nats } = broker;
  if (nats === undefined)
    throw new Fault("config_invalid", `\`brokers[].nats\` is missing for \`${broker.name}\``);
  const [{ kickNats, natsCallout, serveCallout }, { NatsNode: Nats }] = await Promise.all([
    import("../adapters/nats/nats.ts"),
    import("../nats/nats-node.ts"),
  ]);
  const connect = async (login: { user: string; password: string }): Promise<NatsNode> => {
    const password = (await secretIn(login.password)) ?? "";
    return stack.use(
      await Nats.connect({ servers: nats.servers, name: "sallyport", user: login.user, password }),
    );
  };
  const issuerSeed = (await secretIn(nats.issuer_seed)) ?? "";
  const xkeySeed = await secretIn(nats.xkey_seed);
  const system = nats.system === undefined ? undefined : (await connect(nats.system)).requests();
  const fits: { of?: NatsCallout } = {};
  const door = openDoor(parts, broker, peer, {
    stillFits: (session) => fits.of?.stillFits(session) ?? true,
    ...(system === undefined ? {} : { kick: (names) => kickNats(system, names) }),
  });
  const callout = natsCallout({
    door,
    issuerSeed,
    account: nats.account,
    ...(xkeySeed === undefined ? {} : { xkeySeed }),
  });
  fits.of = callout;
  const serving = serveCallout((await connect(nats)).requests(), callout);
  stack.defer(() => serving[Symbol.dispose]());
  return door;
}
