/** Bars for sources that load while the service starts, on a terminal. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { barOf } from "./progress.ts";

const name = "sallyport:registry:loading";

interface Loading {
  readonly source: string;
  readonly records: number;
  readonly expected: number;
  readonly done: boolean;
}

/** Draws on standard error, where that is a terminal, until it is disposed of. */
export function showLoading(
  out: Pick<NodeJS.WriteStream, "isTTY" | "write"> & { readonly columns?: number } = process.stderr,
): Disposable {
  let drawn = 0;
  const draw = (message: unknown): void => {
    const { done, expected, records, source } = message as Loading;
    const how = expected === 0 ? `${records} records` : `${barOf(records / expected)}  ${records} records`;
    // A line that wraps could not be drawn over.
    const line = done ? "" : `loading ${source}  ${how}`.slice(0, (out.columns || 80) - 1);
    out.write(`\r${line.padEnd(drawn)}${done ? "\r" : ""}`);
    drawn = line.length;
  };
  if (out.isTTY) subscribe(name, draw);
  return {
    [Symbol.dispose]() {
      unsubscribe(name, draw);
      if (drawn > 0) out.write(`\r${" ".repeat(drawn)}\r`);
    },
  };
}
