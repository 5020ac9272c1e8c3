import type { Writable } from "node:stream";
import type { Sink } from "./sink.ts";

/** A sink that writes to a stream, such as standard output. Closing it leaves the stream open. */
export function streamSink(stream: Writable): Sink {
  // The callback of a write tells of its failure; without a listener the stream would end the process as well.
  const ignore = (): void => undefined;
  stream.on("error", ignore);
  return {
    write: (lines) =>
      new Promise((resolve, reject) => {
        stream.write(lines, (error) => (error == null ? resolve() : reject(error)));
      }),
    close: () => {
      stream.off("error", ignore);
      return Promise.resolve();
    },
  };
}
