/** `entrypoint-missing`: an entrypoint of the bundle that no rule answers. */
import type { Finding } from "../finding.ts";
import type { Lint } from "./lint.ts";
import { nameOf } from "./names.ts";

/** Says that there is no rule for `sallyport/publish`, at the place where one would look for it. */
export function missingEntrypoint(entrypoint: string, file = "."): Finding {
  const [name, ...steps] = entrypoint.split("/").reverse();
  return {
    code: "entrypoint-missing",
    file,
    row: 1,
    col: 1,
    message: `there is no rule for the entrypoint \`${entrypoint}\``,
    fix: `write \`${name} := ...\` in \`package ${steps.reverse().join(".")}\`, or list other entrypoints in policy.yaml`,
  };
}

/** Finds entrypoints without a rule; the place is the first file of their package. */
export const missingEntrypoints: Lint = ({ files, entrypoints }) => {
  const named = files.flatMap(({ path, scope }) =>
    (scope.module.rules ?? []).map((rule) => ({ path, name: `${scope.package}.${nameOf(rule)}` })),
  );
  return entrypoints
    .filter((entrypoint) => !named.some(({ name }) => name === entrypoint.replaceAll("/", ".")))
    .map((entrypoint) => {
      const home = entrypoint.split("/").slice(0, -1).join(".");
      return missingEntrypoint(entrypoint, files.find(({ scope }) => scope.package === home)?.path);
    });
};
