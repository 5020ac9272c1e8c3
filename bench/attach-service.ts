/** A service over a generated fleet in a process of its own: `attach-service.ts DEVICES [SINK [PATCHES]]`. */
import { makeFleet, serveFleet } from "../test/client/attached.ts";

const sink = process.argv[3] ?? "file";
const patches = JSON.parse(process.argv[4] ?? "{}") as Record<string, object>;
const fleet = makeFleet(Number(process.argv[2]), {
  coherence: { lease_s: 5, usable_s: 600 },
  cache: { max_subjects: 200_000 },
  decision_log: sink === "none" ? { sink } : { sink: "file", path: "decisions.ndjson" },
});
fleet.write(patches);
const app = await serveFleet(fleet);
process.stdout.write(`listening ${app.grpcAddress.split(":").at(-1)}\n`);
process.once("SIGTERM", () => {
  void app.close().finally(() => {
    fleet[Symbol.dispose]();
    process.exit(0);
  });
});
