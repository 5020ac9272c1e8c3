import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const page = readFileSync("docs/threat-model.md", "utf8").replace(/\s+/g, " ");

interface Site {
  readonly claim_max_ttl_s: number;
  readonly profiles: Readonly<Record<string, { readonly session_ttl_s: number }>>;
}
const { site } = parse(readFileSync("policies/data.yaml", "utf8")) as { readonly site: Site };

describe("docs/threat-model.md", () => {
  it.each([
    ["safety_segmented", "10 minutes (safety)", 600],
    ["zero_trust", "15 minutes (zero trust)", 900],
    ["gateway_mediated", "12 hours (gateway)", 43_200],
    ["device_pki", "24 hours (device PKI)", 86_400],
  ])("states the longest session of %s", (model, words, seconds) => {
    expect(page).toContain(words);
    expect(site.profiles[model]?.session_ttl_s).toBe(seconds);
  });

  it("states the longest claim", () => {
    expect(page).toContain("for at most a week");
    expect(site.claim_max_ttl_s).toBe(7 * 86_400);
  });
});
