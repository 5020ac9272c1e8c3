/** What a back-end on the same broker may do: be there, read streams by its roles, send commands that are allowed. */
import type { Decision } from "../decision/decision.ts";
import type { Actor } from "../decision/facts.ts";
import type { Peer } from "../decision/identity.ts";
import type { CommandQuery, ConsumeQuery, SessionQuery } from "../decision/query.ts";
import { answerAround } from "./answer.ts";
import { type Asking, type Desk, foreignTenant, isForeign } from "./desk.ts";
import { type Evaluated, evaluateInput } from "./evaluate-input.ts";
import type { FactsReader } from "./facts-reader.ts";
import type { Joined } from "./join.ts";
import { isUnfit, type Prepared, prepare } from "./prepare.ts";
import { checkQuery } from "./query-check.ts";
import { Reading } from "./reading.ts";
import { malformedCode } from "./request-facts.ts";
import { hostVerdict } from "./result.ts";
import type { Session } from "./session.ts";

/** A question of a back-end: its own kind, or what a broker asks of any client. */
export type ServiceQuery = ConsumeQuery | SessionQuery;

/** A question as it was judged, not recorded yet. */
export interface ConsumeJudgement {
  readonly decision: Decision;
  readonly done: Evaluated;
  readonly joined: Joined | undefined;
  readonly prepared: Prepared | undefined;
  readonly asking: Asking;
}

/** Whether a session is a back-end's: a proven id that a `service` record has and no device. */
export function isService(facts: FactsReader, { identity, gateway, deviceId }: Session): boolean {
  if (identity === undefined || gateway !== undefined) return false;
  return facts.service(deviceId) !== undefined && facts.device(deviceId) === undefined;
}

function joinService(facts: FactsReader, session: Session): Joined & { readonly actor: Actor | null } {
  const reading = new Reading(facts);
  const service = reading.take(`service:${session.deviceId}`, facts.service(session.deviceId));
  const tenant =
    service === null
      ? null
      : reading.take(`tenant:${service.tenant}`, facts.tenant(service.tenant), service.tenant);
  const credential = session.identity?.credential ?? null;
  const presented = credential?.fingerprint ?? "";
  const entry = service?.credentials[presented];
  const actor: Actor | null =
    service === null
      ? null
      : { id: service.id, type: "service", tenant: service.tenant, roles: service.roles, mfa: false };
  return {
    parts: {
      credential,
      actor,
      service:
        service === null
          ? null
          : {
              id: service.id,
              tenant: service.tenant,
              trust_domain: service.trust_domain,
              credentials: entry === undefined ? {} : { [presented]: { status: entry.status } },
            },
      tenant,
    },
    model: tenant?.model ?? "",
    tenant: service?.tenant ?? "",
    restsOn: reading.restsOn,
    sources: reading.sources,
    invalid: reading.invalid,
    lastSeq: 0,
    actor,
  };
}

function host(verdict: Evaluated["verdict"], detail: string | undefined): Evaluated {
  return { verdict, inputJson: undefined, detail, cacheable: false, evaluationUs: 0 };
}

/** Judges whether the back-end may be on the broker, or receive what `filter` matches. Total and synchronous. */
export function judgeConsume(
  desk: Desk,
  session: Session,
  query: ServiceQuery,
  filter: string | undefined,
): ConsumeJudgement & { readonly actor: Actor | null } {
  const joined = joinService(desk.facts, session);
  const asking = desk.asking(query, joined.sources);
  const tell = (done: Evaluated, prepared?: Prepared): ReturnType<typeof judgeConsume> => ({
    decision: desk.render(
      answerAround(done.verdict, prepared, asking, malformedCode),
      asking,
      joined.restsOn,
      false,
    ),
    done,
    joined,
    prepared,
    asking,
    actor: joined.actor,
  });
  const malformed = checkQuery(query, desk.queryLimits);
  if (malformed !== undefined) return tell(host(hostVerdict(malformed), undefined));
  const { snapshot } = desk;
  if (snapshot === undefined)
    return tell(host(hostVerdict("internal_error"), "no policy bundle is in force"));
  if (isForeign(session.peer, joined.tenant))
    return tell(host(foreignTenant, "the asking peer is not configured for the service's tenant"));
  const prepared = prepare(snapshot, "consume", joined, asking.now);
  if (isUnfit(prepared)) return tell(host(hostVerdict(prepared.reason), prepared.detail));
  const request = {
    kind: "consume",
    env: session.peer.env,
    client_id: session.clientId,
    filter: filter ?? null,
  };
  return tell(
    evaluateInput(snapshot, "consume", prepared, request, asking, desk.clock.monotonicMs),
    prepared,
  );
}

/** The shipped layout of a command: `t/<tenant>/d/<device>/cmd/<command>`, more below it. */
export function commandIn(
  topic: string,
): { readonly tenant: string; readonly device: string; readonly command: string } | undefined {
  const [root, tenant, branch, device, stream, command] = topic.split("/");
  if (root !== "t" || branch !== "d" || stream !== "cmd") return undefined;
  return tenant && device && command ? { tenant, device, command } : undefined;
}

/** How a command question is answered, once who asks is proven. */
export type AskCommand = (peer: Peer, query: CommandQuery, actor: Actor) => Decision;

/**
 * Answers a back-end. A publish is allowed on the command stream only, and only where the command is: it is asked
 * each time, so the answer is never to be kept (`valid_until` is now).
 */
export function decideService(
  desk: Desk,
  session: Session,
  query: ServiceQuery,
  askCommand: AskCommand,
): Decision {
  const filter = query.kind === "consume" || query.kind === "subscribe" ? query.filter : undefined;
  const judged = judgeConsume(desk, session, query, filter);
  const { peer } = session;
  const will = query.kind === "connect" ? query.will : undefined;
  if (!judged.decision.allow || (query.kind !== "publish" && will === undefined)) {
    desk.record(peer, query, judged.decision, judged.done);
    return judged.decision;
  }
  const restsOn = judged.joined?.restsOn ?? [];
  const topic = query.kind === "publish" ? query.topic : "";
  const command = commandIn(topic);
  // A will would send a command at a moment that nobody chose.
  if (command === undefined || judged.actor === null)
    return desk.deny(hostVerdict("topic_out_of_scope"), peer, query, "a back-end publishes commands only");
  const device = desk.facts.device(command.device)?.record;
  if (device !== undefined && device.tenant !== command.tenant)
    return desk.deny(hostVerdict("topic_out_of_scope"), peer, query, "the device is of another tenant");
  const question: CommandQuery = {
    kind: "command",
    device_id: command.device,
    command: command.command,
    actor: judged.actor,
    approvals: [],
    break_glass: null,
  };
  const decision = askCommand(peer, question, judged.actor);
  return { ...decision, rests_on: [...decision.rests_on, ...restsOn], valid_until: judged.asking.now };
}
