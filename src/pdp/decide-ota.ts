/** Whether a device may take a release. Never cached: what it rests on (progress, battery, health) moves all the time. */
import type { Decision } from "../decision/decision.ts";
import type { Peer } from "../decision/identity.ts";
import type { OtaQuery } from "../decision/query.ts";
import { answerAround } from "./answer.ts";
import { type Asking, type Desk, foreignTenant, isForeign } from "./desk.ts";
import { type Evaluated, evaluateInput } from "./evaluate-input.ts";
import type { Joined } from "./join.ts";
import { joinOta } from "./join-ota.ts";
import { isUnfit, type Prepared, prepare } from "./prepare.ts";
import { checkQuery } from "./query-check.ts";
import { malformedCode, otaFacts } from "./request-facts.ts";
import { hostVerdict } from "./result.ts";

/** An OTA question as it was judged, not recorded yet. */
export interface OtaJudgement {
  readonly decision: Decision;
  readonly done: Evaluated;
  readonly joined: Joined | undefined;
  readonly prepared: Prepared | undefined;
  readonly asking: Asking;
}

function host(verdict: Evaluated["verdict"], detail: string | undefined): Evaluated {
  return { verdict, inputJson: undefined, detail, cacheable: false, evaluationUs: 0 };
}

/** Judges a question on the facts and the policy in force. Total and synchronous. */
export function judgeOta(desk: Desk, peer: Peer, query: OtaQuery): OtaJudgement {
  let asking = desk.asking(query);
  const tell = (done: Evaluated, joined?: Joined, prepared?: Prepared): OtaJudgement => ({
    decision: desk.render(
      answerAround(done.verdict, prepared, asking, malformedCode),
      asking,
      joined?.restsOn ?? [],
      false,
    ),
    done,
    joined,
    prepared,
    asking,
  });
  const malformed = checkQuery(query, desk.queryLimits);
  if (malformed !== undefined) return tell(host(hostVerdict(malformed), undefined));
  const { snapshot } = desk;
  if (snapshot === undefined)
    return tell(host(hostVerdict("internal_error"), "no policy bundle is in force"));
  const joined = joinOta(desk.facts, query.device_id, query.release);
  asking = desk.asking(query, joined.sources, asking.now);
  if (isForeign(peer, joined.tenant)) {
    const detail = "the asking peer is not configured for the device's tenant";
    return tell(host(foreignTenant, detail), joined);
  }
  const prepared = prepare(snapshot, "ota", joined, asking.now);
  if (isUnfit(prepared)) return tell(host(hostVerdict(prepared.reason), prepared.detail), joined);
  const facts = otaFacts(peer);
  return tell(
    evaluateInput(snapshot, "ota", prepared, facts, asking, desk.clock.monotonicMs),
    joined,
    prepared,
  );
}

/** Judges a question and records the answer. */
export function decideOta(desk: Desk, peer: Peer, query: OtaQuery): Decision {
  const { decision, done } = judgeOta(desk, peer, query);
  desk.record(peer, query, decision, done);
  return decision;
}
