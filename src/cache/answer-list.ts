/** The answers of one subject: few per text, texts bounded, the oldest text goes first. */
import type { Guarded } from "./guards.ts";

export class AnswerList<A extends Guarded> {
  // Nearly always one answer per text; a list only where the same topic is asked in several ways.
  readonly #byText = new Map<string, A | A[]>();
  // The last one found: most devices ask about one topic, and this saves the look into the map.
  #lastText = "";
  #last: A | undefined;

  /** The answer to a question. */
  get(text: string, code: number): A | undefined {
    const last = this.#last;
    if (last !== undefined && last.code === code && this.#lastText === text) return last;
    const found = this.#find(text, code);
    if (found !== undefined) {
      this.#lastText = text;
      this.#last = found;
    }
    return found;
  }

  #find(text: string, code: number): A | undefined {
    const found = this.#byText.get(text);
    if (found === undefined) return undefined;
    if (!Array.isArray(found)) return found.code === code ? found : undefined;
    return found.find((answer) => answer.code === code);
  }

  /** Keeps an answer; beyond `maxTexts` the oldest text is forgotten. */
  set(text: string, answer: A, maxTexts: number): void {
    this.#last = undefined;
    const found = this.#byText.get(text);
    if (found === undefined) {
      if (this.#byText.size >= maxTexts) {
        const oldest = this.#byText.keys().next().value;
        if (oldest !== undefined) this.#byText.delete(oldest);
      }
      this.#byText.set(text, answer);
      return;
    }
    const others = (Array.isArray(found) ? found : [found]).filter((other) => other.code !== answer.code);
    this.#byText.set(text, others.length === 0 ? answer : [...others, answer]);
  }

  /** Forgets the answer to a question. */
  delete(text: string, code: number): void {
    this.#last = undefined;
    const found = this.#byText.get(text);
    if (found === undefined) return;
    const others = (Array.isArray(found) ? found : [found]).filter((other) => other.code !== code);
    const [only] = others;
    if (only === undefined) this.#byText.delete(text);
    else this.#byText.set(text, others.length === 1 ? only : others);
  }
}
