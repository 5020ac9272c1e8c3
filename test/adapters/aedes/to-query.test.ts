import { describe, expect, it } from "vitest";
import type { AedesClient } from "../../../src/adapters/aedes/aedes.ts";
import { evidenceOf } from "../../../src/adapters/aedes/evidence.ts";
import { ReceiveGrants } from "../../../src/adapters/aedes/grants.ts";
import {
  defaultDeviceOf,
  toConnectQuery,
  toSubject,
  withoutShare,
} from "../../../src/adapters/aedes/to-query.ts";
import { matches } from "../../../src/decision/topics.ts";

const plain: AedesClient = { id: "m", closed: false, conn: { once: () => {} }, close() {}, unsubscribe() {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("evidence of a connection without a certificate", () => {
  it("is a token where the password looks like one, else a secret with its name", () => {
    expect(evidenceOf(plain, undefined, bytes("eyJhbGciOiJFUzI1NiJ9.e30.c2ln"))).toEqual({
      type: "jwt",
      token: "eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
    });
    expect(evidenceOf(plain, "meter-001", bytes("a.b.c"))).toEqual({
      type: "secret",
      name: "meter-001",
      secret: "a.b.c",
    });
    expect(evidenceOf(plain, "meter-001", bytes("\ufeffpw"))).toMatchObject({ secret: "\ufeffpw" });
  });

  it("is nothing where there is only a name, only a secret, or bytes that are no text", () => {
    expect(evidenceOf(plain, "meter-001", undefined)).toBeNull();
    expect(evidenceOf(plain, "meter-001", bytes(""))).toBeNull();
    expect(evidenceOf(plain, undefined, bytes("pw"))).toBeNull();
    expect(evidenceOf(plain, "", bytes("pw"))).toBeNull();
    expect(evidenceOf(plain, "meter-001", new Uint8Array([0xff, 0xfe]))).toBeNull();
  });

  it("prefers a certificate, whatever else is said, and ends its chain at a root or after 8", () => {
    const root = { raw: bytes("root"), issuerCertificate: undefined as unknown };
    root.issuerCertificate = root;
    const leaf = { raw: bytes("leaf"), issuerCertificate: root };
    const over = (certificate: unknown): AedesClient => ({
      ...plain,
      conn: { once: () => {}, getPeerCertificate: () => certificate } as AedesClient["conn"],
    });
    expect(evidenceOf(over(leaf), "x", bytes("eyJ.a.b"))).toEqual({
      type: "x509",
      chain: [leaf.raw, root.raw],
    });
    expect(evidenceOf(over({}), "x", bytes("pw"))).toEqual({ type: "secret", name: "x", secret: "pw" });
    expect(evidenceOf(over(null), "x", bytes("pw"))).toMatchObject({ type: "secret" });
    const a = { raw: bytes("a"), issuerCertificate: undefined as unknown };
    const b = { raw: bytes("b"), issuerCertificate: a };
    a.issuerCertificate = b;
    expect(evidenceOf(over(a), undefined, undefined)).toMatchObject({ chain: { length: 8 } });
    const websocket = { ...plain, req: { socket: { getPeerCertificate: () => leaf } } };
    expect(evidenceOf(websocket, undefined, undefined)).toMatchObject({ type: "x509" });
  });
});

describe("the device of a topic", () => {
  it("is the fourth level of the shipped layout, if it is one device", () => {
    expect(defaultDeviceOf("t/acme/d/leaf-7/ops/x")).toBe("leaf-7");
    expect(defaultDeviceOf("t/acme/d/leaf-7")).toBe("leaf-7");
    for (const topic of [
      "t/acme/d/+/ops",
      "t/acme/d/#",
      "t/acme/b/meter/cmd",
      "x/acme/d/leaf-7",
      "t/acme/d//ops",
      "t",
    ]) {
      expect(defaultDeviceOf(topic), topic).toBeUndefined();
    }
  });

  it("is looked for behind a share prefix", () => {
    expect(withoutShare("$share/g/t/a")).toBe("t/a");
    expect(withoutShare("$share/g")).toBe("$share/g");
    expect(withoutShare("t/$share/g")).toBe("t/$share/g");
  });
});

describe("a CONNECT", () => {
  it("brings its will, with the defaults of MQTT", () => {
    const subject = toSubject("m", null);
    expect(toConnectQuery(subject, undefined)).toEqual({ kind: "connect", subject });
    expect(toConnectQuery(subject, { topic: "t" }).will).toEqual({ topic: "t", qos: 0, retain: false });
  });
});

describe("a granted filter", () => {
  it("matches topics as MQTT says [MQTT-4.7]", () => {
    const yes = [
      "a/#|a",
      "a/#|a/b/c",
      "#|a",
      "+/b|a/b",
      "a/+|a/",
      "+/+|/a",
      "a/b|a/b",
      "$SYS/#|$SYS/x",
      "/+|/x",
    ];
    const no = ["a/+|a", "a/+|a/b/c", "a|a/b", "a/b|a", "#|$SYS/x", "+/x|$SYS/x", "a/#|b", "a/+/c|a/b/d"];
    for (const pair of yes) expect(matches(...(pair.split("|") as [string, string])), pair).toBe(true);
    for (const pair of no) expect(matches(...(pair.split("|") as [string, string])), pair).toBe(false);
  });

  it("gives the highest QoS of those that match and hold", () => {
    const grants = new ReceiveGrants();
    grants.add({ filter: "a/#", asked: 2, qos: 0, until: undefined });
    grants.add({ filter: "a/b", asked: 2, qos: 2, until: 100 });
    expect(grants.qosFor("a/b", 99)).toBe(2);
    expect(grants.qosFor("a/b", 100)).toBe(0);
    expect(grants.qosFor("b", 0)).toBeUndefined();
    expect([grants.remove("a/#"), grants.remove("a/#")]).toEqual([true, false]);
  });
});
