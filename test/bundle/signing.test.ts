import { createPrivateKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readArchive } from "../../src/bundle/archive.ts";
import { defaultBundleLimits } from "../../src/bundle/bundle.ts";
import { trustsExampleKey } from "../../src/bundle/example-key.ts";
import { signJws } from "../../src/bundle/jws.ts";
import { keyIdOf, readKeyset } from "../../src/bundle/keyset.ts";
import { noLetters, signApproval } from "../../src/bundle/letters.ts";
import { isProved, type Proof, proveBundle } from "../../src/bundle/prove.ts";
import { readBundle } from "../../src/bundle/read-bundle.ts";
import { signBundle } from "../../src/bundle/sign-bundle.ts";
import { writeArchive } from "../../src/bundle/write-archive.ts";
import { Fault } from "../../src/runtime/fault.ts";
import { describeWithOpa, runOpa } from "../opa.ts";
import { exampleKeysetPath, shippedPath } from "../shipped.ts";
import { bundleOf } from "./archives.ts";
import { keysetOf, makeKey, type TestKey } from "./keys.ts";

const now = 1_700_000_000;
const [ci, ann, bob, eve] = ["ci", "ann", "bob", "eve"].map((name) => makeKey(name)) as [
  TestKey,
  TestKey,
  TestKey,
  TestKey,
];

async function prove(
  archive: Uint8Array,
  keyset = keysetOf([[ci]]),
  { approvals = [] as readonly string[], scope = "", unsigned = "refuse" as "refuse" | "allow" } = {},
): Promise<Proof> {
  const bundle = await readBundle(archive);
  return proveBundle(bundle, { ...noLetters, approvals }, { keyset, scope, unsigned }, now);
}

async function refusal(proof: Promise<Proof>): Promise<string> {
  const outcome = await proof.then(
    () => "proved",
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Fault);
  expect((outcome as Fault).code).toBe("bundle_untrusted");
  return (outcome as Fault).message;
}

const pack = (files: ReadonlyMap<string, Uint8Array>): Promise<Buffer> =>
  writeArchive(new Map([...files].map(([path, bytes]) => [`/${path}`, bytes])));

/** The archive with files changed after it was signed. */
async function tampered(
  archive: Uint8Array,
  change: (files: Map<string, Uint8Array>) => void,
): Promise<Uint8Array> {
  const files = new Map(await readArchive(archive, defaultBundleLimits));
  change(files);
  return pack(files);
}

describe("a signature", () => {
  let signed: Uint8Array;
  beforeAll(async () => {
    signed = await signBundle(await bundleOf(), ci.privateKey, "");
  });

  it.each(["ed25519", "rsa", "ec"] as const)("by an %s key counts", async (type) => {
    const key = makeKey("key", type);
    const proof = await prove(await signBundle(await bundleOf(), key.privateKey, ""), keysetOf([[key]]));
    expect(proof).toMatchObject({ signer: "key", keys: 1, needed: 1, waitsFor: [], keyset: 1 });
    expect(isProved(proof)).toBe(true);
  });

  it("is asked for, unless the configuration says otherwise; then a wrong one is refused still", async () => {
    const unsigned = await bundleOf();
    expect(await refusal(prove(unsigned))).toMatch("not signed");
    expect(await prove(unsigned, keysetOf([[ci]]), { unsigned: "allow" })).toMatchObject({
      signer: undefined,
    });
    const foreign = await signBundle(unsigned, eve.privateKey, "");
    expect(await refusal(prove(foreign, keysetOf([[ci]]), { unsigned: "allow" }))).toMatch(
      "no key of keyset",
    );
  });

  it.each<[string, (files: Map<string, Uint8Array>) => void, string]>([
    ["another module", (files) => files.set("policy.wasm", Buffer.from("x")), "another `policy.wasm`"],
    ["other data", (files) => files.set("data.json", Buffer.from('{"site":{}}')), "another `data.json`"],
    ["a file more", (files) => files.set("site/data.json", Buffer.from("{}")), "does not cover"],
    ["a file less", (files) => files.delete("data.json"), "lacks `data.json`"],
    [
      "no signatures in it",
      (files) => files.set(".signatures.json", Buffer.from('{"signatures":[]}')),
      "single",
    ],
    [
      "two signatures",
      (files) => {
        const { signatures } = JSON.parse(Buffer.from(files.get(".signatures.json") ?? []).toString()) as {
          signatures: string[];
        };
        files.set(
          ".signatures.json",
          Buffer.from(JSON.stringify({ signatures: [...signatures, ...signatures] })),
        );
      },
      "single",
    ],
  ])("does not cover %s", async (_, change, why) => {
    expect(await refusal(prove(await tampered(signed, change)))).toMatch(why);
  });

  it("does not mind spaces and order in JSON, as OPA does not", async () => {
    const spaced = await tampered(signed, (files) => {
      const data = JSON.parse(Buffer.from(files.get("data.json") ?? []).toString()) as object;
      files.set("data.json", Buffer.from(JSON.stringify(data, null, 4)));
    });
    expect(isProved(await prove(spaced))).toBe(true);
  });

  it("by a key that is expired, not valid yet, or of another role or scope does not count", async () => {
    const { roles, ...rest } = { roles: ["approve"] as const };
    expect(rest).toEqual({});
    expect(await refusal(prove(signed, keysetOf([[ci, { not_after: now }]])))).toMatch("expired");
    expect(await refusal(prove(signed, keysetOf([[ci, { not_before: now + 1 }]])))).toMatch("not valid yet");
    expect(await refusal(prove(signed, keysetOf([[ci, { roles }], [ann]])))).toMatch("may not sign bundles");
    const lab = await signBundle(signed, ci.privateKey, "lab");
    expect(await refusal(prove(lab))).toMatch("signed for the scope `lab`");
    expect(await refusal(prove(signed, keysetOf([[ci]]), { scope: "lab" }))).toMatch(
      "`bundle.scope` is `lab`",
    );
    const prodOnly = keysetOf([[ci, { scopes: ["prod"] }]]);
    expect(await refusal(prove(lab, prodOnly, { scope: "lab" }))).toMatch("may not sign for the scope");
    expect(isProved(await prove(lab, keysetOf([[ci]]), { scope: "lab" }))).toBe(true);
  });

  it("with no algorithm, or with the public key as a shared secret, does not count", async () => {
    const forged = async (token: string): Promise<string> =>
      refusal(
        prove(
          await tampered(signed, (files) =>
            files.set(".signatures.json", Buffer.from(JSON.stringify({ signatures: [token] }))),
          ),
        ),
      );
    const files = await readArchive(signed, defaultBundleLimits);
    const { signatures } = JSON.parse(Buffer.from(files.get(".signatures.json") ?? []).toString()) as {
      signatures: [string];
    };
    const [, payload, signature] = signatures[0].split(".");
    for (const header of [
      { alg: "none" },
      { alg: "HS256" },
      { alg: "RS256" },
      { alg: "EdDSA", crit: ["x"] },
    ]) {
      const head = Buffer.from(JSON.stringify(header)).toString("base64url");
      expect(await forged(`${head}.${payload}.${signature}`)).toMatch(/no key of keyset|no compact JWS/);
    }
    // A token of another purpose lists no files.
    expect(
      await forged(
        signApproval({ digest: "0".repeat(64), revision: "r", sequence: 1, iat: 1 }, ci.privateKey),
      ),
    ).toMatch("lists no files");
    const weak = { files: [{ name: "data.json", hash: "00", algorithm: "MD5" }] };
    expect(await forged(signJws(weak, ci.privateKey, ci.id, "JWT"))).toMatch(
      /does not cover|SHA-256 or stronger/,
    );
  });
});

describe("a threshold of two", () => {
  const keyset = keysetOf(
    [
      [ci, { roles: ["sign"] }],
      [ann, { roles: ["approve"] }],
      [bob, { roles: ["approve"], not_after: now }],
    ],
    { threshold: 2 },
  );
  const approval = async (archive: Uint8Array, key: TestKey): Promise<string> => {
    const { digest, revision, sequence } = await readBundle(archive);
    return signApproval({ digest, revision, sequence, iat: now }, key.privateKey);
  };

  it("leaves a bundle with one key waiting, and says for whom", async () => {
    const signed = await signBundle(await bundleOf(), ci.privateKey, "");
    const proof = await prove(signed, keyset);
    expect(proof).toMatchObject({ keys: 1, needed: 2, waitsFor: ["ann"] });
    expect(isProved(proof)).toBe(false);
    const approved = await prove(signed, keyset, { approvals: [await approval(signed, ann)] });
    expect(approved).toMatchObject({ keys: 2, approvers: ["ann"], waitsFor: [] });
    expect(isProved(approved)).toBe(true);
  });

  it("counts nobody twice, no strangers, no expired keys, no approval of another archive", async () => {
    const signed = await signBundle(await bundleOf(), ci.privateKey, "");
    const other = await signBundle(await bundleOf({ "/data.json": "{}" }), ci.privateKey, "");
    const approvals = [
      await approval(signed, ci),
      await approval(signed, bob),
      await approval(signed, eve),
      await approval(other, ann),
      "no.token.atall",
    ];
    expect(isProved(await prove(signed, keyset, { approvals }))).toBe(false);
    const self = keysetOf([[ci], [ann]], { threshold: 2 });
    expect(isProved(await prove(signed, self, { approvals: [await approval(signed, ci)] }))).toBe(false);
  });
});

describe("the committed bundle", () => {
  const keyset = readKeyset(readFileSync(exampleKeysetPath, "utf8"));
  const example = createPrivateKey(readFileSync("examples/quickstart/keys/example.pem"));

  it("is signed by the example key, which is known as such", async () => {
    expect(isProved(await prove(readFileSync(shippedPath), keyset))).toBe(true);
    expect(trustsExampleKey(keyset)).toBe(true);
    expect(keyIdOf(example)).toBe(keyset.keys[0]?.id);
    expect(trustsExampleKey(keysetOf([[ci]]))).toBe(false);
  });

  it("comes out the same, byte for byte, when it is signed again", async () => {
    const committed = readFileSync(shippedPath);
    expect((await signBundle(committed, example, "")).equals(committed)).toBe(true);
  });
});

describeWithOpa("OPA", () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "sallyport-opa-"));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const write = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };
  const odd =
    '{"site":{"n":[1.0,1e3,12345678901234567890,-0.5],"s":"<&>\\u2028\\u0007é\\ud83d\\ude00","e":{}}}';

  it.each([
    ["ed25519", "EdDSA"],
    ["rsa", "RS256"],
    ["ec", "ES256"],
  ] as const)("verifies what we sign with %s, and not with another key", async (type, algorithm) => {
    const [key, other] = [makeKey("key", type), makeKey("other", type)];
    const bundle = write("ours.tar.gz", await signBundle(readFileSync(shippedPath), key.privateKey, "lab"));
    const verify = (by: TestKey): string =>
      runOpa([
        "build",
        "-b",
        bundle,
        "--verification-key",
        write("key.pub.pem", by.pem.public),
        "--signing-alg",
        algorithm,
        "--scope",
        "lab",
        "-o",
        join(dir, "out.tar.gz"),
      ]);
    verify(key);
    expect(() => verify(other)).toThrow("failed to verify JWT signature");
  });

  it.each([
    ["ed25519", "EdDSA"],
    ["rsa", "RS256"],
    ["rsa", "PS512"],
    ["ec", "ES256"],
  ] as const)("signs with %s as %s what we verify, whatever JSON is in it", async (type, algorithm) => {
    const key = makeKey("key", type);
    const archive = await bundleOf({ "/data.json": odd });
    const bundle = write("theirs.tar.gz", archive);
    runOpa([
      "sign",
      "--signing-alg",
      algorithm,
      "--signing-key",
      write("key.pem", key.pem.private),
      "--bundle",
      bundle,
      "--output-file-path",
      dir,
    ]);
    const files = new Map(await readArchive(archive, defaultBundleLimits));
    files.set(".signatures.json", readFileSync(join(dir, ".signatures.json")));
    const signed = await pack(files);
    expect(isProved(await prove(signed, keysetOf([[key]])))).toBe(true);
    expect(await refusal(prove(signed, keysetOf([[eve]])))).toMatch("no key of keyset");
  });
});
