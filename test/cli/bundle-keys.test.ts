import { copyFileSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Ended, sallyport } from "./run.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-keys-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

it("keys are made, a keyset of them is pinned, a bundle is signed by one person and approved by another", {
  timeout: 180_000,
}, async () => {
  const at = (name: string): string => join(dir, name);
  const ok = async (...args: readonly string[]): Promise<Ended> => {
    const ended = await sallyport(args);
    expect(ended, args.join(" ")).toMatchObject({ code: 0, stderr: "" });
    return ended;
  };
  await Promise.all([ok("bundle", "keygen", at("ci")), ok("bundle", "keygen", at("ann"))]);
  expect(statSync(at("ci.pem")).mode & 0o777).toBe(0o600);
  expect((await sallyport(["bundle", "keygen", at("ci")])).stderr).toMatch("is there already");
  const keys = ["ci,roles=sign+keyset", "ann,roles=approve+keyset"].map((entry) => {
    const [name = "", roles = ""] = entry.split(",");
    return `name=${name},file=${at(`${name}.pub.pem`)},${roles}`;
  });
  await ok(
    "keyset",
    "new",
    at("one.json"),
    "--threshold",
    "2",
    "--key",
    keys[0] ?? "",
    "--key",
    keys[1] ?? "",
  );

  const bundle = at("b.tar.gz");
  copyFileSync("bundles/sallyport.tar.gz", bundle);
  const verify = (): Promise<Ended> => sallyport(["bundle", "verify", bundle, "--keyset", at("one.json")]);
  expect(await verify()).toMatchObject({ code: 1, stdout: "" });
  await ok("bundle", "sign", bundle, "--key", at("ci.pem"));
  const waiting = await verify();
  expect(waiting.code).toBe(2);
  expect(waiting.stdout).toMatch(/^waits [\s\S]*keys +1 of 2[\s\S]*waits for +ann\n/);
  await ok("bundle", "approve", bundle, "--key", at("ann.pem"));
  const proved = await verify();
  expect(proved.code).toBe(0);
  expect(proved.stdout).toMatch(/^proved [\s\S]*approved by +ann\n/);

  // The next keyset needs both, old and new.
  await ok("keyset", "new", at("two.json"), "--after", at("one.json"), "--key", keys[0] ?? "");
  await ok("keyset", "sign", at("two.json"), "--key", at("ci.pem"));
  const early = await sallyport(["keyset", "show", at("two.json"), "--after", at("one.json")]);
  expect(early).toMatchObject({ code: 1 });
  expect(early.stderr).toMatch("signed by 1 keys of version 1, 2 are needed");
  await ok("keyset", "sign", at("two.json"), "--key", at("ann.pem"));
  await ok("keyset", "show", at("two.json"), "--after", at("one.json"));
  expect(readFileSync(at("two.json"), "utf8")).not.toMatch("PRIVATE");
});
