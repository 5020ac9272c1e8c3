import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterEach, expect, it, vi } from "vitest";
import { type App, startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import {
  type AbortBundleResponse,
  BundleServiceClient,
  type GetBundleStatusResponse,
} from "../../src/gen/sallyport/v1/bundle.ts";
import { keysetText, makeKey } from "../bundle/keys.ts";
import { releaseOf, rollbackOf } from "../bundle/releases.ts";
import { type Fleet, makeFleet } from "../client/attached.ts";

let fleet: Fleet;
let app: App;
let bundles: BundleServiceClient;
afterEach(async () => {
  bundles.close();
  await app.close();
  fleet[Symbol.dispose]();
});

const key = makeKey("ci");
const put = (name: string, content: string | Uint8Array): void => {
  writeFileSync(join(fleet.folder, `${name}.new`), content);
  renameSync(join(fleet.folder, `${name}.new`), join(fleet.folder, name));
};
const start = async (): Promise<void> => {
  app = await startApp(loadConfig({ file: fleet.config, cwd: fleet.folder }));
  bundles = new BundleServiceClient(app.grpcAddress, credentials.createInsecure());
};
const status = (): Promise<GetBundleStatusResponse> =>
  new Promise((resolve, reject) =>
    bundles.getBundleStatus({}, (error, answer) => (error ? reject(error) : resolve(answer))),
  );
const abort = (digest: string): Promise<AbortBundleResponse> =>
  new Promise((resolve, reject) =>
    bundles.abortBundle({ digest, reason: "it looks odd" }, (error, answer) =>
      error ? reject(error) : resolve(answer),
    ),
  );
const until = (check: () => Promise<void> | void): Promise<void> =>
  vi.waitFor(check, { timeout: 30_000, interval: 30 });
/** Acts in the decision log. */
const acts = (): { reason: string; operation: unknown; input: Record<string, unknown>; by: unknown }[] =>
  readFileSync(join(fleet.folder, "decisions.ndjson"), "utf8")
    .split("\n")
    .filter((line) => line.includes("sallyport/operate"))
    .map(
      (line) =>
        JSON.parse(line) as {
          reason: string;
          input: { request: { operation: string }; actor: { id: string } };
        },
    )
    .map(({ input, reason }) => ({
      reason,
      operation: input.request.operation,
      input: input as never,
      by: input.actor.id,
    }));

it("what people do to bundles is in the decision log, and an abort outlives a restart", {
  timeout: 120_000,
}, async () => {
  fleet = makeFleet(1, {
    bundle: {
      file: "b.tar.gz",
      keyset: "keyset.json",
      dir: "kept",
      poll_s: 0.05,
      shadow: { mode: "manual", min_queries: 1, for_s: 0 },
    },
    decision_log: { sink: "file", path: "decisions.ndjson" },
  });
  const [five, six] = [await releaseOf(5, { key }), await releaseOf(6, { key })];
  put("keyset.json", keysetText([[key]]));
  put("b.tar.gz", five);
  await start();
  put("b.tar.gz", six);
  await until(async () => expect((await status()).candidate?.state).toBe("shadow"));
  const { digest = "" } = (await status()).candidate ?? {};
  await expect(abort("00")).rejects.toMatchObject({
    details: expect.stringMatching(/^no bundle of this digest/),
  });
  expect((await abort(digest)).revision).toBe("r6");
  await until(() => expect(acts().length).toBe(2));
  expect(acts()).toMatchObject([
    { operation: "bundle.abort", reason: "bundle_unfit", by: "broker", input: { digest: "00" } },
    {
      operation: "bundle.abort",
      reason: "ok",
      by: "broker",
      input: { digest, revision: "r6", reason: "it looks odd" },
    },
  ]);

  // The same archive lies there still.
  bundles.close();
  await app.close();
  await start();
  await until(async () => expect((await status()).fault).toMatch("revision `r6` was aborted here"));
  expect((await status()).active?.revision).toBe("r5");

  // Going forward and back: promoted by a person, rolled back by a signed statement.
  const [seven] = [await releaseOf(7, { key })];
  put("b.tar.gz", seven);
  await until(async () => expect((await status()).candidate?.state).toBe("shadow"));
  const promoted = (await status()).candidate?.digest ?? "";
  await new Promise<void>((resolve, reject) =>
    bundles.promoteBundle({ digest: promoted }, (error) => (error ? reject(error) : resolve())),
  );
  await until(async () => expect((await status()).active?.revision).toBe("r7"));
  const letters = { approvals: [], rollbacks: [await rollbackOf(five, key, { from: 7 })] };
  put("b.tar.gz.letters.json", JSON.stringify(letters));
  put("b.tar.gz", five);
  await until(async () => expect((await status()).active?.revision).toBe("r5"));
  await until(() => expect(acts().length).toBe(4));
  expect(acts().slice(2)).toMatchObject([
    { operation: "bundle.promote", reason: "ok", by: "broker", input: { digest: promoted, revision: "r7" } },
    {
      operation: "bundle.rollback",
      reason: "ok",
      by: "ci",
      input: { revision: "r5", from: 7, reason: "it denied too much" },
    },
  ]);
});
