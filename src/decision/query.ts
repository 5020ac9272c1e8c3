/** One question: what every face turns its request into. */
import type { Actor, Approval, BreakGlass } from "./facts.ts";
import type { Evidence, Identity } from "./identity.ts";

/** The kinds of question this release answers. */
export type Kind = "connect" | "publish" | "subscribe" | "command" | "ota" | "consume";

/**
 * The device and the proof it came with. One object per session is best: it carries the cache key
 * of its session once that is known.
 */
export interface Subject {
  /**
   * MQTT client id or the like; must be the bound device id. Empty is refused, but through a gateway, where
   * `device_id` says whom it speaks for.
   */
  readonly client_id: string;
  /** Proof of the connection: the device's own, or for a gateway's connection `null` with `gateway` set. */
  readonly proof: Evidence | Identity | null;
  /** Device that the gateway speaks for; set only with `via`. */
  readonly device_id?: string;
  /** Gateway that carries the device's traffic, and the gateway's own proof. */
  readonly via?: { readonly gateway_id: string; readonly proof: Evidence | Identity | null };
}

/** A last will, judged at connect as a publish [MQTT-3.1.2-8]. */
export interface Will {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

export interface ConnectQuery {
  readonly kind: "connect";
  readonly subject: Subject;
  /** Clock that the device reported, unix seconds. */
  readonly device_time?: number;
  readonly will?: Will;
}

export interface PublishQuery {
  readonly kind: "publish";
  readonly subject: Subject;
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** Message time that the device claims, unix seconds; absent: server time. */
  readonly occurred_at?: number;
  /** Message sequence number; checked against replay where present. */
  readonly seq?: number;
}

export interface SubscribeQuery {
  readonly kind: "subscribe";
  readonly subject: Subject;
  /** Topic filter, `$share/<group>/` prefix included. */
  readonly filter: string;
  readonly qos: 0 | 1 | 2;
}

export interface CommandQuery {
  readonly kind: "command";
  /** Device that is to obey. */
  readonly device_id: string;
  readonly command: string;
  /** Gateway that would carry the command; absent: direct. */
  readonly via?: string;
  /** Who sends it: vouched for by a peer that may, or a token that is verified; `null`: nobody. */
  readonly actor: Actor | SignedToken | null;
  readonly approvals: readonly (Approval | SignedToken)[];
  readonly break_glass: BreakGlass | null;
}

/** May this device take this release now? Asked by the OTA service; the device presents nothing. */
export interface OtaQuery {
  readonly kind: "ota";
  readonly device_id: string;
  /** Id of the release; empty: none is on offer. */
  readonly release: string;
}

/** May this back-end receive what this filter can match? */
export interface ConsumeQuery {
  readonly kind: "consume";
  /** A `service` record's id (or `<id>:<copy>`) and its own proof. */
  readonly subject: Subject;
  /** Topic filter, `$share/<group>/` prefix included. */
  readonly filter: string;
}

/** A compact JWS (RFC 7515) that is verified before anything in it counts. */
export interface SignedToken {
  readonly token: string;
}

/** A question of any kind. */
export type Query = ConnectQuery | PublishQuery | SubscribeQuery | CommandQuery | OtaQuery | ConsumeQuery;

/** A question that a device asks itself, in a session of its own. */
export type SessionQuery = Exclude<Query, CommandQuery | OtaQuery | ConsumeQuery>;
