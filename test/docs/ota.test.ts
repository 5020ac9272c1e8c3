import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missingLine, type Quickstart, root, shownIn, startQuickstart } from "./console.ts";

const page = readFileSync(path.join(root, "docs/ota.md"), "utf8");

describe("docs/ota.md", { timeout: 120_000 }, () => {
  let quickstart: Quickstart;
  beforeAll(async () => {
    quickstart = await startQuickstart();
  });
  afterAll(() => quickstart[Symbol.asyncDispose]());

  const revision = (): number =>
    Number(/registry revision (\d+)/.exec(quickstart.run("sallyport registry status").join("\n"))?.[1]);

  /** The release pipeline writes this service's records; its next line is typed when they are in force. */
  const operate = async (command: string): Promise<string[]> => {
    const before = revision();
    const printed = quickstart.run(
      command.replace("operate.mjs", `operate.mjs --fleet ${quickstart.dir}/fleet.ndjson`),
    );
    for (const end = Date.now() + 30_000; revision() === before; ) {
      if (Date.now() > end) throw new Error(`the service did not take up: ${printed.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return printed;
  };

  const commands = shownIn(page);
  it("shows a campaign", () => expect(commands.length).toBeGreaterThan(18));

  for (const [i, { command, lines }] of commands.entries()) {
    it(`${i + 1}: ${command}`, async () => {
      const printed = command.includes("operate.mjs") ? await operate(command) : quickstart.run(command);
      expect(missingLine(printed, lines), `in:\n${printed.join("\n")}`).toBeUndefined();
      expect(lines.length).toBeGreaterThan(0);
    });
  }
});
