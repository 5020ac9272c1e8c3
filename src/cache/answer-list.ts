/** The answers of one subject: few per text, texts bounded, the oldest text goes first. */
import type { Guarded } from "./guards.ts";

export class AnswerList<A extends Guarded> {
  // Nearly always one answer per text; a list only where the same topic is asked in several ways.
  readonly #byText = new Map<string, A | A[]>();

  /** The answer to a question. */
  get(text: string, code: number): A | undefined {
    const found = this.#byText.get(text);
    if (found === undefined) return undefined;
    if (!Array.isArray(found)) return found.code === code ? found : undefined;
    return found.find((answer) => answer.code === code);
  }

  /** Keeps an answer; beyond `maxTexts` the oldest text is forgotten. */
  set(text: string, answer: A, maxTexts: number): void {
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
    const found = this.#byText.get(text);
    if (found === undefined) return;
    const others = (Array.isArray(found) ? found : [found]).filter((other) => other.code !== code);
    const [only] = others;
    if (only === undefined) this.#byText.delete(text);
    else this.#byText.set(text, others.length === 1 ? only : others);
  }
}
