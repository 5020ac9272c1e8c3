/** Test support: the whole service on free ports of this machine, over a fleet of a few records. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type App, startApp } from "../src/app.ts";
import { loadConfig } from "../src/config/load-config.ts";
import { ManualClock } from "../src/runtime/clock.ts";
import { exampleKeysetPath, shippedPath } from "./shipped.ts";

/** A running service; the whole folder goes with it. */
export interface QuickApp extends AsyncDisposable {
  readonly app: App;
}

/** Starts it at the moment `now`, with the peer `broker` for who calls from this machine. */
export async function startQuickApp(
  now: number,
  records: readonly { readonly kind: string; readonly record: unknown }[],
  broker: { readonly tenants: readonly string[]; readonly may_assert: readonly string[] },
): Promise<QuickApp> {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-app-"));
  const fleet = join(folder, "fleet.ndjson");
  writeFileSync(fleet, records.map((each) => `${JSON.stringify(each)}\n`).join(""));
  const file = join(folder, "sallyport.json");
  const place = { env: "prod", region: "eu-west", endpoint: "ep-telemetry" };
  const config = {
    grpc: { listen: "127.0.0.1:0" },
    http: { listen: "127.0.0.1:0" },
    bundle: { file: shippedPath, keyset: exampleKeysetPath },
    overrides: { initialize: true },
    registry: { dir: join(folder, "registry"), file: { path: fleet } },
    peers: [{ name: "broker", match: { loopback: true }, ...place, ...broker }],
    decision_log: { sink: "none" },
    log: { level: "silent" },
  };
  writeFileSync(file, JSON.stringify(config));
  const app = await startApp(loadConfig({ file, cwd: folder }), { clock: new ManualClock(now) });
  return {
    app,
    async [Symbol.asyncDispose]() {
      await app.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
