/** Tokens of people and services: who sends a command, who consents to it, and in what emergency. */
import type { Actor, Approval, BreakGlass } from "../decision/facts.ts";
import { isSafeId } from "../decision/ids.ts";
import {
  type Claims,
  type Expected,
  objectClaim,
  refuseToken,
  textClaim,
  textsClaim,
  timeClaim,
  verifyToken,
} from "./claims.ts";
import { type KeySource, keysOf } from "./key-source.ts";

/** Whose tokens name people and services. */
export interface ActorIssuer extends Expected {
  readonly jwks: unknown;
}

/** A verified actor token, with the emergency it declares. */
export interface ProvenActor {
  readonly actor: Actor;
  readonly break_glass: BreakGlass | null;
}

/** What an approval must be bound to. */
export interface ApprovedCommand {
  /** `sub` of the one who sends the command. */
  readonly actor: string;
  /** Tenant of that actor; `*`: the platform. */
  readonly tenant: string;
  readonly device_id: string;
  readonly command: string;
}

/** How far the clock of an issuer may be ahead of ours, in seconds. */
const maxSkewS = 30;

interface Person {
  readonly id: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  readonly expires: number;
}

function readPerson(claims: Claims, now: number): Person {
  const id = textClaim(claims, "sub") ?? "";
  const tenant = textClaim(claims, "tenant") ?? "";
  const roles = textsClaim(claims, "roles");
  const expires = timeClaim(claims, "exp");
  if (!isSafeId(id)) throw refuseToken("`sub` of the token is no id");
  if (tenant !== "*" && !isSafeId(tenant)) throw refuseToken("the token names no tenant");
  if (!roles.every(isSafeId)) throw refuseToken("a role in the token is no name");
  if (expires === undefined) throw refuseToken("the token has no `exp`");
  if (Math.max(timeClaim(claims, "nbf") ?? 0, timeClaim(claims, "iat") ?? 0) > now + maxSkewS) {
    throw refuseToken("the token is not valid yet");
  }
  return { id, tenant, roles, expires };
}

function readBreakGlass(claims: Claims): BreakGlass | null {
  const given = objectClaim(claims, "break_glass");
  if (given === undefined) return null;
  const ticket = textClaim(given, "ticket") ?? "";
  const started_at = timeClaim(given, "started_at");
  const expires_at = timeClaim(given, "expires_at");
  if (!isSafeId(ticket) || started_at === undefined || expires_at === undefined) {
    throw refuseToken("the claim `break_glass` needs `ticket`, `started_at` and `expires_at`");
  }
  return { ticket, started_at, expires_at };
}

/** Verifies the tokens of one issuer. */
export class AuthorityVerifier {
  readonly #keys: KeySource;
  readonly #expected: Expected;

  /** @throws Fault `config_invalid` */
  constructor({ jwks, issuer, audience }: ActorIssuer) {
    this.#keys = keysOf(jwks);
    this.#expected = { issuer, audience };
  }

  /**
   * Who a token names: `sub`, `tenant`, `roles`, `actor_type` (`human` unless it says `service`), and whether a
   * second factor was used (`amr` has `mfa`, RFC 8176). Expired tokens are refused; so are approvals, which are
   * signed by the same issuer and would otherwise make their holder the approver.
   * @throws Fault `proof_invalid`
   */
  async actor(token: string, now: number): Promise<ProvenActor> {
    const { claims } = await verifyToken(token, this.#keys, this.#expected);
    if (claims["approval"] !== undefined) throw refuseToken("the token is an approval and names no actor");
    const { id, tenant, roles, expires } = readPerson(claims, now);
    if (now >= expires) throw refuseToken("the token has expired");
    const type = textClaim(claims, "actor_type") ?? "human";
    if (type !== "human" && type !== "service")
      throw refuseToken("`actor_type` is neither human nor service");
    const mfa = textsClaim(claims, "amr").includes("mfa");
    return { actor: { id, type, tenant, roles, mfa }, break_glass: readBreakGlass(claims) };
  }

  /**
   * A consent: its claim `approval` names actor, tenant, device and command, each as in `command`, and whoever
   * gave it is of that tenant or of the platform. When it ends is a fact; policies say `approval_expired`.
   * @throws Fault `proof_invalid`
   */
  async approval(token: string, command: ApprovedCommand, now: number): Promise<Approval> {
    const { claims } = await verifyToken(token, this.#keys, this.#expected);
    const bound = objectClaim(claims, "approval");
    if (bound === undefined) throw refuseToken("the token is no approval");
    for (const member of ["actor", "tenant", "device_id", "command"] as const) {
      if (textClaim(bound, member) !== command[member]) {
        throw refuseToken(`the approval is for another \`${member}\``);
      }
    }
    const { id, tenant, roles, expires } = readPerson(claims, now);
    if (tenant !== "*" && tenant !== command.tenant) throw refuseToken("the approver is of another tenant");
    return { by: id, roles, expires_at: expires };
  }
}
