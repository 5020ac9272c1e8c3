import { type DestinationStream, destination, pino } from "pino";
import { Fault } from "../runtime/fault.ts";
import { PrettyStream } from "./pretty-stream.ts";

/** Severity of a line. */
export type Level = "debug" | "info" | "warn" | "error";

/** The program's own log. Messages are constant text; what varies is in `fields`. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Writes what is buffered, at once; for the end of the process. */
  flush(): void;
}

/** How to log. */
export interface LoggerOptions {
  /** Least severe level written. */
  readonly level: Level | "silent";
  /** For people instead of machines. */
  readonly pretty: boolean;
  /** Where lines go; absent: standard error, buffered so that a reader who stalls holds up nothing. */
  readonly stream?: DestinationStream;
  /** Fields of every line. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Most bytes kept for a reader of standard error who stalls; beyond it lines are dropped. */
const bufferBytes = 4 * 1024 * 1024;

/** Fields that are never written, at the top and one level down. */
const secretFields = ["secret", "password", "token", "authorization", "proof", "verifier", "private_key"];

/** An error as a field: a fault by its code, anything foreign with its stack. */
function describeError(thrown: unknown): unknown {
  if (thrown instanceof Fault) {
    const { code, message, retryable, cause } = thrown;
    return { code, message, retryable, ...(cause instanceof Error ? { cause: cause.message } : {}) };
  }
  return thrown instanceof Error
    ? { message: thrown.message, stack: thrown.stack }
    : { message: String(thrown) };
}

/** Opens the log. Lines are JSON with `level`, `time` (RFC 3339), `msg`, the fields, and errors under `error`. */
export function createLogger(options: LoggerOptions): Logger {
  const standardError = options.stream
    ? undefined
    : destination({ dest: 2, sync: false, maxLength: bufferBytes });
  const raw = options.stream ?? standardError;
  const stream = options.pretty && raw !== undefined ? new PrettyStream(raw) : raw;
  const log = pino(
    {
      level: options.level,
      base: options.fields ?? null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: "(hidden)" },
    },
    stream as DestinationStream,
  );
  return {
    debug: (message, fields = {}) => log.debug(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    warn: (message, fields = {}) => log.warn(fields, message),
    error: (message, fields = {}) => log.error(fields, message),
    flush: () => {
      try {
        standardError?.flushSync();
      } catch {
        // Standard error is gone: there is nobody left to tell.
      }
    },
  };
}
