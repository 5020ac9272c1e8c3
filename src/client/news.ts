/** What an attached client publishes on `node:diagnostics_channel`, for who wants to watch it. */
import { type Channel, channel } from "node:diagnostics_channel";
import type { Kind } from "../decision/query.ts";
import type { Fault } from "../runtime/fault.ts";

/** What the channel `sallyport:client:change` says. */
export interface ChangeNews {
  readonly position: number;
  readonly records: number | "everything";
  readonly forgotten: number;
  readonly sessions: number;
}

/** What the channel `sallyport:client:stream` says. */
export interface StreamNews {
  readonly name: string;
  readonly address: string;
  readonly up: boolean;
  readonly error?: Fault;
}

/** What the channel `sallyport:client:denied` says: a denial of the client's own. */
export interface DeniedNews {
  readonly kind: Kind;
  readonly error: Fault;
}

/** What the channel `sallyport:client:alone` says: whether the client goes on without any node, and with which kinds. */
export interface AloneNews {
  readonly alone: boolean;
  readonly kinds: readonly string[];
}

/** A change was told and acted on. */
export const changeNews: Channel = channel("sallyport:client:change");
/** A stream is up or down. */
export const streamNews: Channel = channel("sallyport:client:stream");
/** A question was denied without any node. */
export const deniedNews: Channel = channel("sallyport:client:denied");
/** No node can be reached, or one can again. */
export const aloneNews: Channel = channel("sallyport:client:alone");
