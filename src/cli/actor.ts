/** People behind a command: who sends it, who consents, and in what emergency. */
import type { Actor, Approval, BreakGlass } from "../decision/facts.ts";
import { parseMoment } from "./moment.ts";
import { parseBoolean, parseChoice, parsePairs, parseWords } from "./pairs.ts";

/** Reads `id=alice,tenant=acme,roles=operator+safety,mfa=true,type=human`. @throws Fault `request_invalid` */
export function parseActor(text: string): Actor {
  const names = ["id", "type", "tenant", "roles", "mfa"] as const;
  const pairs = parsePairs("--actor", text, names, ["id", "tenant"]);
  return {
    id: pairs.id ?? "",
    type: parseChoice("type", pairs.type ?? "human", ["human", "service"]),
    tenant: pairs.tenant ?? "",
    roles: parseWords(pairs.roles ?? ""),
    mfa: parseBoolean("mfa", pairs.mfa ?? "false"),
  };
}

/** Reads `by=bob,roles=safety,expires=+20m`. @throws Fault `request_invalid` */
export function parseApproval(text: string, now: number): Approval {
  const pairs = parsePairs("--approval", text, ["by", "roles", "expires"], ["by"]);
  return {
    by: pairs.by ?? "",
    roles: parseWords(pairs.roles ?? ""),
    expires_at: parseMoment(pairs.expires ?? "+20m", now, "expires"),
  };
}

/** Reads `ticket=INC-7,started=-5m,expires=+20m`. @throws Fault `request_invalid` */
export function parseBreakGlass(text: string, now: number): BreakGlass {
  const pairs = parsePairs("--break-glass", text, ["ticket", "started", "expires"], ["ticket"]);
  return {
    ticket: pairs.ticket ?? "",
    started_at: parseMoment(pairs.started ?? "now", now, "started"),
    expires_at: parseMoment(pairs.expires ?? "+20m", now, "expires"),
  };
}
