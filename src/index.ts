/** What an embedding program imports: the service in this process, its configuration, and the words of a decision. */
export { type App, type AppOptions, startApp } from "./app.ts";
export type { Config } from "./config/config.ts";
export { type ConfigSources, loadConfig } from "./config/load-config.ts";
export type { Decider, Decision, Evaluator } from "./decision/decision.ts";
export type { Evidence, Identity, Peer } from "./decision/identity.ts";
export type { Obligations } from "./decision/obligations.ts";
export type {
  CommandQuery,
  ConnectQuery,
  Kind,
  PublishQuery,
  Query,
  Subject,
  SubscribeQuery,
} from "./decision/query.ts";
export type { DenyReason, Reason, RetryClass } from "./decision/reasons.ts";
export { Fault, type FaultCode } from "./runtime/fault.ts";
