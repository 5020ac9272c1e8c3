/** The part of an input that many questions share: the facts of a subject. */
import { checkInput } from "./input.ts";

/** Members of the input object as JSON text. Each instance of a policy parses them once instead of per question. */
export class SharedInput {
  readonly members: ReadonlyMap<string, string>;
  /** Bytes that they add to an input's text. */
  readonly bytes: number;
  readonly #text: string;

  /**
   * @param members name to JSON text, the work of `JSON.stringify`
   * @throws Fault `input_invalid` where one holds half of a surrogate pair
   */
  constructor(members: ReadonlyMap<string, string>) {
    for (const json of members.values()) checkInput(json, false);
    this.members = members;
    this.#text = [...members].map(([name, json]) => `,${JSON.stringify(name)}:${json}`).join("");
    this.bytes = Buffer.byteLength(this.#text);
  }

  /** The complete input: `own`, the text of an object that has members, with the shared ones behind its own. */
  complete(own: string): string {
    return `${own.slice(0, -1)}${this.#text}}`;
  }
}
