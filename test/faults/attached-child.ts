/** A broker in a process of its own: asks about one device all the time and writes what it decided, and when. */
import { writeSync } from "node:fs";
import { attach } from "../../src/client/client.ts";
import { publishOf, subjectOf } from "../client/attached.ts";

const client = attach({ addresses: [process.argv[2] ?? ""], name: "child", deadlineMs: 300 });
const query = publishOf(subjectOf(0));
await client.ready(30_000);
setInterval(() => {
  // The moment before: a process that is stopped between deciding and writing is beyond any protocol.
  let at = Date.now();
  const decision = client.decide(query);
  if (!(decision instanceof Promise)) {
    writeSync(1, `${at} ${decision.allow ? "allow" : "deny"} remembered\n`);
    return;
  }
  void decision.then(({ allow, reason }) => {
    at = Date.now();
    writeSync(1, `${at} ${allow ? "allow" : "deny"} ${reason}\n`);
  });
}, 2);
