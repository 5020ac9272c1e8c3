/**
 * Another site on the shipped rules: its `site.yaml` replaces top-level keys of the shipped policy data as wholes, its
 * `cases/` take the place of ours (docs/sites.md).
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";

interface SiteFile {
  readonly site: Readonly<Record<string, unknown>>;
}

function read(path: string): SiteFile {
  return parse(readFileSync(path, "utf8")) as SiteFile;
}

/**
 * The policy data of the site described in `folder/site.yaml`.
 * @throws where it has a key that the shipped data has not: nothing would read it
 */
export function siteOf(policies: string, folder: string): Readonly<Record<string, unknown>> {
  const shipped = read(join(policies, "data.yaml")).site;
  const own = read(join(folder, "site.yaml")).site;
  const unknown = Object.keys(own).filter((key) => !(key in shipped));
  if (unknown.length > 0)
    throw new Error(`\`${join(folder, "site.yaml")}\` has keys that no rule reads: ${unknown.join(", ")}`);
  return { ...shipped, ...own };
}

/** Runs `use` on a policy project of our rules with the site's data and tables, which is gone afterwards. */
export async function withSite<T>(
  policies: string,
  folder: string,
  use: (project: string) => Promise<T>,
): Promise<T> {
  const project = mkdtempSync(join(tmpdir(), "sallyport-site-"));
  try {
    cpSync(policies, project, { recursive: true });
    writeFileSync(join(project, "data.yaml"), stringify({ site: siteOf(policies, folder) }));
    rmSync(join(project, "cases"), { recursive: true });
    cpSync(join(folder, "cases"), join(project, "cases"), { recursive: true });
    return await use(project);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}
