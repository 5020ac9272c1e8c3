import { describe, expect, it } from "vitest";
import { Fault } from "../../src/runtime/fault.ts";
import { createLogger, type LoggerOptions } from "../../src/telemetry/logger.ts";

function open(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  return { lines, logger: createLogger({ level: "info", pretty: false, stream, ...options }) };
}

describe("the log", () => {
  it("writes JSON lines of the level and above", () => {
    const { logger, lines } = open();
    logger.debug("no");
    logger.info("listening", { address: "127.0.0.1:7600" });
    logger.error("no bundle");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
        msg: "listening",
        address: "127.0.0.1:7600",
      },
      { level: "error", time: expect.any(String) as unknown, msg: "no bundle" },
    ]);
    const silent = open({ level: "silent" });
    silent.logger.error("no");
    expect(silent.lines).toEqual([]);
    silent.logger.flush();
  });

  it("names a fault by its code and shows where a foreign error came from", () => {
    const { logger, lines } = open();
    const fault = new Fault("bundle_invalid", "no `sallyport/publish`", { cause: new Error("deep") });
    logger.error("a", { error: fault });
    logger.error("b", { error: new Error("foreign") });
    logger.error("c", { error: "thrown text" });
    const errors = lines.map((line) => (JSON.parse(line) as { error: Record<string, unknown> }).error);
    expect(errors[0]).toEqual({
      code: "bundle_invalid",
      message: "no `sallyport/publish`",
      retryable: false,
      cause: "deep",
    });
    expect(errors[1]).toMatchObject({
      message: "foreign",
      stack: expect.stringContaining("logger.test") as unknown,
    });
    expect(errors[2]).toEqual({ message: "thrown text" });
  });

  it("never writes a secret", () => {
    const { logger, lines } = open();
    logger.info("a", {
      token: "hunter2",
      query: { secret: "hunter2", topic: "t" },
      headers: { authorization: "hunter2" },
    });
    expect(lines.join("")).not.toMatch("hunter2");
    expect(lines.join("")).toMatch('"topic":"t"');
  });

  it("can be read by people, and cannot steer their terminal", () => {
    const { logger, lines } = open({ pretty: true });
    logger.warn("refused", {
      topic: "t/\u001b[31m/x y",
      count: 3,
      error: new Fault("not_ready", "no bundle yet"),
    });
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} warn {2}refused topic="t\/\\u001b\[31m\/x y" count=3 error=\{"code":"not_ready"/,
    );
    expect(lines[0]?.endsWith("}\n")).toBe(true);
  });
});
