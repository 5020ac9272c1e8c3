import { describe, expect, it } from "vitest";
import type { RecordKind } from "../../src/decision/facts.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { type Json, mergePatch } from "../cases/table.ts";
import { releaseRecord, rolloutRecord } from "../releases.ts";

const now = 1_800_000_000;
const validate = createRecordValidator();

const release = (patch: Json = {}): unknown => mergePatch(releaseRecord("rel-1", "ro-1", now), patch);
const rollout = (patch: Json = {}): unknown => mergePatch(rolloutRecord("ro-1", now), patch);
const [ring] = rolloutRecord("ro-1", now).rings;

describe("records of updates", () => {
  it("are stored under their ids", () => {
    expect(validate("release", release())).toMatchObject({ key: "release:rel-1" });
    expect(validate("rollout", rollout())).toMatchObject({ key: "rollout:ro-1" });
  });

  it("are completed with what restricts nothing", () => {
    const bare = release({ rollout: null, tenants: null, depends: null, conflicts: null, provides: null });
    expect(validate("release", bare).record).toMatchObject({
      rollout: "",
      tenants: [],
      depends: {},
      conflicts: {},
      provides: {},
    });
    const plain = rollout({ held_regions: null, owner_approvals: null, rollback_from: null });
    expect(validate("rollout", plain).record).toMatchObject({
      held_regions: [],
      owner_approvals: [],
      rollback_from: [],
    });
  });

  it.each<[string, RecordKind, unknown, string]>([
    ["more than all devices", "rollout", rollout({ rings: [{ ...ring, percent_bp: 10_001 }] }), "percent_bp"],
    ["less than none", "rollout", rollout({ rings: [{ ...ring, percent_bp: -1 }] }), "percent_bp"],
    ["half a basis point", "rollout", rollout({ rings: [{ ...ring, percent_bp: 0.5 }] }), "percent_bp"],
    ["a rollout without rings", "rollout", rollout({ rings: [] }), "rings"],
    ["a gate that passes without data", "rollout", rollout({ gates: { min_samples: 0 } }), "min_samples"],
    ["a window of no length", "rollout", rollout({ window: { from: 60, to: 60 } }), "window"],
    ["a window beyond the day", "rollout", rollout({ window: { from: 0, to: 86_400 } }), "window.to"],
    [
      "more healthy than all",
      "rollout",
      rollout({ rings: [{ ...ring, health: { samples: 1, boot_ok_ppm: 1_000_001 } }] }),
      "boot_ok_ppm",
    ],
    ["a threshold of no signers", "release", release({ manifest: { threshold: 0 } }), "threshold"],
    ["a kind that nobody knows", "release", release({ kind: "surprise" }), "kind"],
    ["an id with a slash", "release", release({ id: "a/b" }), "id"],
  ])("refuse %s", (_, kind, value, field) => {
    expect(validate(kind, value).invalid).toContain(field);
  });
});
