import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { makeFleet, publishOf, serveFleet, subjectOf, until } from "../client/attached.ts";

it("a service tells whoever makes its record file what that forgets", { timeout: 60_000 }, async () => {
  const fleet = makeFleet(3, {
    registry: { dir: "registry", file: { path: "fleet.ndjson", poll_s: 3600, write_back: true } },
  });
  const app = await serveFleet(fleet);
  try {
    fleet.write({ "meter-1": { state: { quarantine: { active: true } } } });
    await app.reload();
    // The device is deleted, and added again as if it had never been held.
    const file = path.join(fleet.folder, "fleet.ndjson");
    const rest = readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => !line.includes('"meter-1"'));
    writeFileSync(file, rest.join("\n"));
    await app.reload();
    expect(app.registry.device("meter-1")).toBeUndefined();
    fleet.write();
    await app.reload();
    const { reason } = await app.decider("broker").decide(publishOf(subjectOf(1)));
    expect(reason).toBe("reentry_evidence_required");
    const outbox = path.join(fleet.folder, "fleet.ndjson.duties.ndjson");
    await until(() => existsSync(outbox) && readFileSync(outbox, "utf8").endsWith("\n"));
    expect(JSON.parse(readFileSync(outbox, "utf8"))).toEqual({
      kind: "duty",
      key: "device:meter-1",
      reentry_required_since: expect.any(Number),
      spent_claims: [],
    });
  } finally {
    await app.close();
    fleet[Symbol.dispose]();
  }
});
