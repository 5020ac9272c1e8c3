import { describe, expect, it } from "vitest";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import type { Override } from "../../src/decision/override.ts";
import { commandsDisabled, mergeDevice } from "../../src/registry/with-overrides.ts";
import { device, now } from "./records.ts";

function reader(overrides: readonly Partial<Override>[], marks: Readonly<Record<string, number>> = {}) {
  const all = overrides.map((each, index): Override => {
    const target = { kind: "device" as const, id: "a" };
    return {
      id: `o-${index + 1}`,
      kind: "quarantine",
      target,
      reason: "r",
      by: "alice",
      since: now,
      ...each,
    };
  });
  return {
    of: (text: string) => all.filter(({ target }) => `${target.kind}:${target.id}` === text),
    lostSince: (text: string) => marks[text] ?? 0,
    idle: false,
    missing: undefined,
  };
}

const state = (over: Partial<DeviceRecord["state"]>): Partial<DeviceRecord> => ({
  state: { ...device("a").state, ...over },
});

describe("a device joined with overrides", () => {
  it("is the very record where nothing is said of it", () => {
    const record = device("a");
    expect(mergeDevice(record, reader([{ target: { kind: "device", id: "b" } }]))).toBe(record);
  });

  it.each([
    ["registry constrain, here block", { active: true, mode: "constrain" }, "block", "block"],
    ["registry block, here constrain", { active: true, mode: "block" }, "constrain", "block"],
    [
      "a mode that is not in force does not count",
      { active: false, mode: "block" },
      "constrain",
      "constrain",
    ],
  ] as const)("takes the more restrictive quarantine: %s", (_name, had, mode, expected) => {
    const record = device("a", state({ quarantine: { ...had, since: 1, by: "ir-5" } }));
    expect(mergeDevice(record, reader([{ mode }])).state.quarantine).toMatchObject({
      active: true,
      mode: expected,
    });
  });

  it("takes the most restrictive of several overrides, in any order", () => {
    const both = [{ mode: "constrain" }, { mode: "block" }] as const;
    for (const order of [both, [...both].reverse()])
      expect(mergeDevice(device("a"), reader(order)).state.quarantine.mode).toBe("block");
  });

  it.each([
    ["active", "safe_mode", false],
    ["recovery", "safe_mode", false],
    ["retired", "retired", false],
    ["quarantined", "quarantined", false],
    ["provisioned", "provisioned", true],
    ["enrolled", "enrolled", true],
  ])("in safe mode opens nothing that was closed: stored %s", (lifecycle, merged, quarantined) => {
    const after = mergeDevice(device("a", state({ lifecycle })), reader([{ kind: "safe_mode" }])).state;
    expect([after.lifecycle, after.quarantine.active]).toEqual([merged, quarantined]);
  });

  it.each([
    ["itself as a gateway", { kind: "gateway", id: "a" }],
    ["its tenant", { kind: "tenant", id: "acme" }],
    ["its class", { kind: "class", id: "acme/meter" }],
  ] as const)("is reached through %s", (_name, target) => {
    const record = device("a", { via: ["gw"] });
    expect(mergeDevice(record, reader([{ target }])).state.quarantine.active).toBe(true);
    const other = device("b", { tenant: "globex", via: ["gw-2"] });
    expect(mergeDevice(other, reader([{ target }]))).toBe(other);
  });

  it("is left alone where its gateway is held: what goes through that is judged by the gateway's record", () => {
    const record = device("a", { via: ["gw", "gw-2"] });
    const held = reader([{ target: { kind: "gateway", id: "gw" } }]);
    expect(mergeDevice(record, held)).toBe(record);
    expect(mergeDevice(device("gw"), held).state.quarantine.active).toBe(true);
  });

  it("has a credential revoked wherever it is listed, and the others left alone", () => {
    const { credentials } = device("a");
    const two = { ...credentials, other: credentials["fp-a"] } as DeviceRecord["credentials"];
    const target = { kind: "credential", id: "fp-a" } as const;
    const after = mergeDevice(device("a", { credentials: two }), reader([{ target }])).credentials;
    expect([after["fp-a"]?.status, after["other"]?.status]).toEqual(["revoked", "active"]);
    expect(after["constructor"]).toBeUndefined();
  });

  it("carries signals, and one of ours where commands are disabled", () => {
    const after = mergeDevice(
      device("a"),
      reader([{ kind: "signal", signal: "topic_abuse", expires_at: now + 60 }, { kind: "disable_commands" }]),
    );
    expect(after.state.signals.map(({ type }) => type)).toEqual(["topic_abuse", commandsDisabled]);
    expect(after.state.signals[0]?.expires_at).toBe(now + 60);
  });

  it("needs evidence newer than the last loss of trust of anything that it belongs to", () => {
    const marks = {
      "device:a": now - 5,
      "tenant:acme": now,
      "credential:fp-a": now - 9,
      "device:b": now + 9,
    };
    expect(mergeDevice(device("a"), reader([], marks)).state.reentry_required_since).toBe(now);
    const stored = device("a", state({ reentry_required_since: now + 1 }));
    expect(mergeDevice(stored, reader([], marks))).toBe(stored);
  });
});
