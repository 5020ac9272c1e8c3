/** Closing in the reverse order of opening. */

/** Collects what must be closed; closes the last one first, each even if another fails. */
export class Closing implements AsyncDisposable {
  readonly #steps: (() => unknown)[] = [];

  /** Keeps a resource to be disposed of, and returns it. */
  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    this.#steps.push(() =>
      Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : resource[Symbol.dispose](),
    );
    return resource;
  }

  /** Keeps a step to be done at the end. */
  defer(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Does every step; afterwards rejects with the first failure, if any. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
