import type { Mutants } from "./mutant.ts";

const file = "src/registry/twice-named.ts";

export const law: Mutants = {
  test: "test/laws/twice-named.test.ts",
  mutants: [
    {
      what: "a space before a colon is not looked at",
      file,
      find: "    else if (before <= 0x20) return undefined;\n",
      replace: "",
    },
    {
      what: "one name may be missing",
      file,
      find: "members >= colons ?",
      replace: "members >= colons - 1 ?",
    },
    {
      what: "nobody reads",
      file,
      find: "members >= colons ? undefined : readTwice(text)",
      replace: "members >= colons ? undefined : undefined",
    },
    {
      what: "members inside a list are not counted, and all that has lists is read, or not",
      file,
      find: "members += membersOf(each as object, depth + 1);\n    return members;",
      replace: "members += membersOf(each as object, depth + 1) + 1;\n    return members;",
    },
    {
      what: "a name is what is written, not what it means",
      file,
      find: "const name = JSON.parse(text.slice(from, at + 1)) as string;",
      replace: "const name = text.slice(from, at + 1);",
    },
    {
      what: "an escaped quote ends a string",
      file,
      find: "    if (code === 0x5c) at++;\n",
      replace: "",
    },
    {
      what: "a colon must follow its name at once",
      file,
      find: "if (code !== 0x20 && code !== 0x0a && code !== 0x09 && code !== 0x0d) return false;",
      replace: "return false;",
    },
    {
      what: "objects share their names",
      file,
      find: "if (code === 0x7b) open.push(new Set());",
      replace: "if (code === 0x7b) open.push(open.findLast((each) => each !== undefined) ?? new Set());",
    },
    {
      what: "what is in a string parts a list",
      file,
      find: "if (code === 0x22) at = endOf(text, at);",
      replace: "",
    },
  ],
};
