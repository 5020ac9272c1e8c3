import type { Mutants } from "../laws/mutant.ts";

export const law: Mutants = {
  test: "test/engine/shared-terms.test.ts",
  mutants: [
    {
      what: "a region that is full forgets nothing",
      file: "src/engine/shared-terms.ts",
      find: "    this.#pins = new WeakMap();\n",
      replace: "",
    },
    {
      what: "values outlive their region",
      file: "src/engine/shared-terms.ts",
      find: "    this.#values = new Map();\n",
      replace: "",
    },
    {
      what: "the next member is parsed over the last one",
      file: "src/engine/shared-terms.ts",
      find: "    this.#top = this.#exports.opa_heap_ptr_get();\n",
      replace: "",
    },
    {
      what: "shared members do not count for the size of an input",
      file: "src/engine/instance.ts",
      find: "written + shared.bytes > this.#layout.maxInputBytes",
      replace: "written > this.#layout.maxInputBytes",
    },
    {
      what: "the room that a member takes is not asked for",
      file: "src/engine/shared-terms.ts",
      find: "    if (this.#top + needed > end) this.#forget();\n",
      replace: "",
    },
    {
      what: "shared members are left out once they are kept",
      file: "src/engine/instance.ts",
      find: "    if (pins !== undefined) this.#shared.add(pins, input);\n",
      replace: "",
    },
  ],
};
