import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecisionLog } from "../../src/log/decision-log.ts";
import { FileSink } from "../../src/log/file-sink.ts";
import { streamSink } from "../../src/log/stream-sink.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { evaluation, parseLines, repeated, tallyUp } from "./evaluations.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "sallyport-log-"));

describe("a file sink", () => {
  it("makes its folder, appends, and goes on where it left off", async () => {
    const path = join(folder(), "deep/er/d.ndjson");
    for (const line of ["1\n", "2\n"]) {
      const sink = new FileSink({ path, maxBytes: 1000, keep: 2 });
      await sink.write(line);
      await sink.close();
    }
    expect(readFileSync(path, "utf8")).toBe("1\n2\n");
  });

  it("ends a line that a crash cut short before it writes its own", async () => {
    const path = join(folder(), "d.ndjson");
    writeFileSync(path, '{"whole":1}\n{"cut sho');
    const sink = new FileSink({ path, maxBytes: 1000, keep: 2 });
    await sink.write("3\n");
    await sink.close();
    expect(readFileSync(path, "utf8")).toBe('{"whole":1}\n{"cut sho\n3\n');
  });

  it("fails without a file, and works as soon as it can", async () => {
    const at = join(folder(), "not-a-folder");
    writeFileSync(at, "");
    const sink = new FileSink({ path: join(at, "d.ndjson"), maxBytes: 1000, keep: 2 });
    await expect(sink.write("1\n")).rejects.toThrow(at);
    rmSync(at);
    await sink.write("2\n");
    expect(readFileSync(join(at, "d.ndjson"), "utf8")).toBe("2\n");
    await sink.close();
  });

  it.skipIf(!existsSync("/dev/full"))(
    "fails on a full disk each time, and does not pile up open files",
    async () => {
      const sink = new FileSink({ path: "/dev/full", maxBytes: 1000, keep: 2 });
      const before = readdirSync("/proc/self/fd").length;
      for (let i = 0; i < 20; i += 1) await expect(sink.write("1\n")).rejects.toThrow("ENOSPC");
      expect(readdirSync("/proc/self/fd").length).toBeLessThan(before + 5);
      await sink.close();
    },
  );

  it("keeps every line, in order, in files no larger than the limit, and the newest files only", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 60, size: "max" }),
        fc.integer({ min: 0, max: 3 }),
        async (lengths, keep) => {
          const path = join(folder(), "d.ndjson");
          const sink = new FileSink({ path, maxBytes: 100, keep });
          const lines = lengths.map((length, index) => `${String(index).padEnd(length, ".")}\n`);
          for (const line of lines) await sink.write(line);
          await sink.close();
          const files = [path, ...Array.from({ length: keep }, (_, i) => `${path}.${i + 1}`)].filter(
            existsSync,
          );
          const kept = files.reverse().map((file) => readFileSync(file, "utf8"));
          for (const text of kept) expect(text.length).toBeLessThanOrEqual(100);
          const all = lines.join("");
          expect(all.endsWith(kept.join(""))).toBe(true);
          if (all.length <= 40 * (keep + 1)) expect(kept.join("")).toBe(all);
          expect(existsSync(`${path}.${keep + 1}`)).toBe(false);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("holds a whole decision log through rotations", async () => {
    const path = join(folder(), "d.ndjson");
    const log = new DecisionLog({
      sink: new FileSink({ path, maxBytes: 64 * 1024, keep: 100 }),
      clock: new ManualClock(1_700_000_000),
      labels: {},
      queueMax: 10_000,
      aggregateHitsS: 3600,
    });
    for (let i = 0; i < 2000; i += 1) {
      const tally = log.evaluated(evaluation(i % 3 !== 0));
      if (tally !== undefined && i % 2 === 0) log.hit(repeated(tally));
    }
    await log.close();
    const files = [path, ...Array.from({ length: 100 }, (_, i) => `${path}.${i + 1}`)].filter(existsSync);
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) expect(statSync(file).size).toBeLessThan(200 * 1024);
    const events = files.flatMap((file) => parseLines(readFileSync(file, "utf8")));
    expect(tallyUp(events)).toEqual({ written: 3000, lost: 0 });
  });

  it("lives with a file that somebody else appends to", async () => {
    const path = join(folder(), "d.ndjson");
    const sink = new FileSink({ path, maxBytes: 1000, keep: 2 });
    await sink.write("1\n");
    appendFileSync(path, "2\n");
    await sink.write("3\n");
    await sink.close();
    expect(readFileSync(path, "utf8")).toBe("1\n2\n3\n");
  });
});

describe("a stream sink", () => {
  it("waits for the stream and survives its end", async () => {
    const stream = new PassThrough();
    const sink = streamSink(stream);
    await sink.write("1\n");
    expect(String(stream.read())).toBe("1\n");
    stream.destroy(new Error("broken pipe"));
    await expect(sink.write("2\n")).rejects.toThrow();
    await sink.close();
  });
});
