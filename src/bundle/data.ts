/** The base documents of a bundle: `data.json` files, each mounted at its folder. */
import { Fault } from "../runtime/fault.ts";
import { isOwned } from "./manifest.ts";

type Document = Record<string, unknown>;

const isDocument = (value: unknown): value is Document =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Parses a JSON file of the archive.
 * @throws Fault `bundle_invalid`
 */
export function parseJson(path: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw new Fault("bundle_invalid", `the bundle file \`${path}\` is not JSON`, { cause: error });
  }
}

/**
 * Joins all data files into one document. What lies outside the roots, or twice at one path, is refused.
 * @throws Fault `bundle_invalid`
 */
export function joinData(files: ReadonlyMap<string, Uint8Array>, roots: readonly string[]): Document {
  const data: Document = Object.create(null) as Document;
  for (const [path, bytes] of files) {
    const steps = path.split("/");
    const name = steps.pop();
    if (name === "data.yaml" || name === "data.yml") {
      throw new Fault(
        "bundle_invalid",
        `the bundle holds \`${path}\`, compile it with \`opa build\` to data.json`,
      );
    }
    if (name !== "data.json") continue;
    const document = parseJson(path, bytes);
    if (!isDocument(document))
      throw new Fault("bundle_invalid", `the bundle file \`${path}\` is not an object`);
    const mounted = steps.reduceRight<Document>(
      (inner, step) => Object.fromEntries([[step, inner]]),
      document,
    );
    merge(data, mounted, "", roots, path);
  }
  return data;
}

function merge(into: Document, from: Document, at: string, roots: readonly string[], path: string): void {
  for (const [name, value] of Object.entries(from)) {
    const place = at === "" ? name : `${at}/${name}`;
    const above = roots.some((root) => root.startsWith(`${place}/`));
    if (!isOwned(place, roots) && !(above && isDocument(value))) {
      throw new Fault(
        "bundle_invalid",
        `the bundle file \`${path}\` sets \`${place}\`, outside the bundle's roots`,
      );
    }
    const present = into[name];
    if (isDocument(present) && isDocument(value)) merge(present, value, place, roots, path);
    else if (present !== undefined) throw new Fault("bundle_invalid", `the bundle sets \`${place}\` twice`);
    else if (isDocument(value))
      merge((into[name] = Object.create(null) as Document), value, place, roots, path);
    else into[name] = value;
  }
}
