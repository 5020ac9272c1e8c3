import type { Mutants } from "../laws/mutant.ts";

const feed = "src/registry/feed.ts";
const lost = "src/registry/lost-trust.ts";

export const law: Mutants = {
  test: "test/registry/lost-trust.test.ts",
  mutants: [
    {
      what: "a snapshot forgets what it deletes",
      file: feed,
      find: "this.position?.epoch,\n        (device) => lost.removed(device),",
      replace: "this.position?.epoch,",
    },
    {
      what: "a delta forgets what it deletes",
      file: feed,
      find: "removed: (device) => lost.removed(device),",
      replace: "removed: () => {},",
    },
    {
      what: "a quarantine ends with its record",
      file: lost,
      find: "held.has(lifecycle) || quarantine.active || detected",
      replace: "held.has(lifecycle) || detected",
    },
    {
      what: "a detection ends with its record",
      file: lost,
      find: "held.has(lifecycle) || quarantine.active || detected",
      replace: "held.has(lifecycle) || quarantine.active",
    },
    {
      what: "a mark ends with its record",
      file: lost,
      find: "Math.max(reentry_required_since, lapsedSince(device, playbook, now))",
      replace: "lapsedSince(device, playbook, now)",
    },
  ],
};
