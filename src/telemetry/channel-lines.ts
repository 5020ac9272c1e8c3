/** What the log says of what inner rings publish on their diagnostics channels. */
import type { Candidate } from "../bundle/candidate.ts";
import type { KeysetNews } from "../bundle/keyset-keeper.ts";
import { type OverrideAct, targetText } from "../decision/override.ts";
import type { SinkNews } from "../log/decision-log.ts";
import type { NatsConnectionNews } from "../nats/nats-node.ts";
import type { Activated } from "../pdp/bundle-news.ts";
import type { Level } from "./logger.ts";

/** A line to log. */
export interface ChannelLine {
  readonly level: Level;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Words a message of one channel; `undefined`: not worth a line. */
export type Wording = (message: unknown) => ChannelLine | undefined;

/** Every channel of this program and its line. A test finds channels in `src/` that are missing here. */
export const channelLines: Readonly<Record<string, Wording>> = {
  "sallyport:registry:mill-broken": (message) => ({
    level: "warn",
    message: "the thread that reads records has ended; they are read without it until it runs again",
    fields: message as { error: unknown },
  }),
  "sallyport:log:sink": (message) => {
    const { works, error, lost } = message as SinkNews;
    return works
      ? { level: "info", message: "the decision log's sink works again", fields: { lost } }
      : {
          level: "error",
          message: "the decision log's sink fails; events wait for it",
          fields: { error, lost },
        };
  },
  "sallyport:bundle:activated": (message) => ({
    level: "info",
    message: "a policy bundle is in force",
    fields: { ...(message as Activated) },
  }),
  "sallyport:bundle:unkept": (message) => ({
    level: "error",
    message: "the bundle in force cannot be kept: a restart would not find it",
    fields: message as { error: unknown },
  }),
  "sallyport:bundle:expired": (message) => ({
    level: "error",
    message: "the bundle in force should have been replaced by now: is its source frozen?",
    fields: message as { revision: string; expires_at: number },
  }),
  "sallyport:bundle:keyset": (message) => {
    const { version, fault } = message as KeysetNews;
    return fault === undefined
      ? { level: "warn", message: "another keyset is in force", fields: { version } }
      : {
          level: "error",
          message: "a keyset was refused; the one in force stays",
          fields: { version, error: fault },
        };
  },
  "sallyport:bundle:step": (message) => {
    const { revision, sequence, state, from, proof } = message as Candidate;
    if (state !== "pending_approval")
      return { level: "debug", message: "a bundle moves on", fields: { revision, state } };
    const { signer, approvers = [], keys, needed, waitsFor } = proof ?? {};
    return {
      level: "warn",
      message: "a policy bundle waits for approval",
      fields: { revision, sequence, from, signer, approvers, keys, needed, waits_for: waitsFor },
    };
  },
  "sallyport:bundle:refused": (message) => ({
    level: "error",
    message: "a policy bundle was refused; what is in force stays",
    fields: message as { error: unknown },
  }),
  "sallyport:server:tls-reloaded": (message) => ({
    level: "info",
    message: "other certificates are in force",
    fields: message as { path: string; validTo: string },
  }),
  "sallyport:nats:connection": (message) => {
    const { connected, server } = message as NatsConnectionNews;
    return connected
      ? { level: "info", message: "connected to NATS again", fields: { server } }
      : { level: "warn", message: "the connection to NATS is lost; it is tried again", fields: { server } };
  },
  "sallyport:registry:divergence": (message) => ({
    level: "error",
    message: "facts_divergence: a bucket differs from what its source says, and is asked for again",
    fields: message as { source: string; tenant: string; bucket: number },
  }),
  "sallyport:registry:cross-tenant": (message) => ({
    level: "error",
    message: "cross_tenant_access: a feed writes records of tenants that are not its own; they are not taken",
    fields: message as { source: string; key: string; times: number },
  }),
  "sallyport:registry:clock-back": (message) => ({
    level: "warn",
    message: "the clock of a source went back; its facts age by our own",
    fields: message as { source: string; as_of: number; before: number; times: number },
  }),
  "sallyport:registry:loading": (message) => ({
    level: "debug",
    message: "a source is loading",
    fields: message as { source: string; records: number; expected: number; seconds: number; done: boolean },
  }),
  "sallyport:registry:override": (message) => {
    const { act, by, override, sequence } = message as OverrideAct;
    const { kind, target, id } = override;
    const fields = { sequence, act, id, kind, target: targetText(target), by };
    return { level: "warn", message: "an override changed", fields };
  },
  "sallyport:app:worker": (message) => {
    const { event, ...fields } = message as { event: string; cause?: string };
    if (event === "live") return { level: "info", message: "a worker answers", fields };
    return fields.cause === "stopped"
      ? { level: "debug", message: "a worker has stopped", fields }
      : { level: "error", message: "a worker has ended; it is replaced", fields };
  },
  "sallyport:app:blocked": (message) => ({
    level: "error",
    message: "a question blocked the policy; its process was ended",
    fields: message as { entrypoint: string; device: string; times: number; denied: boolean; input: string },
  }),
  // Published by the client library, in processes of its own.
  "sallyport:client:stream": (message) => {
    const { up, ...fields } = message as { up: boolean };
    return up
      ? { level: "info", message: "attached to a node", fields }
      : { level: "warn", message: "no longer attached to a node; what it said is forgotten", fields };
  },
  "sallyport:client:change": (message) => ({
    level: "debug",
    message: "a node said what to forget",
    fields: message as { position: number; forgotten: number; sessions: number },
  }),
  "sallyport:client:denied": (message) => ({
    level: "debug",
    message: "the client denied a question itself",
    fields: message as { kind: string; error: unknown },
  }),
  "sallyport:client:alone": (message) => {
    const { alone, kinds } = message as { alone: boolean; kinds: readonly string[] };
    return alone
      ? {
          level: "error",
          message: "no node can be reached; earlier answers are gone on with",
          fields: { kinds },
        }
      : { level: "info", message: "a node can be reached again", fields: { kinds } };
  },
  "sallyport:registry:applied": (message) => ({
    level: "debug",
    message: "records changed",
    fields: message as { revision: number; changed: number },
  }),
};
