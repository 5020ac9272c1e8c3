/**
 * `npm run bench:peers [-- --seconds N --rounds N]`: unary publish checks per second of Sallyport, `opa run --server` and
 * Cerbos in one run, in turns. All three must first answer the same questions alike.
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs, promisify } from "node:util";
import { connect } from "../../src/client/client.ts";
import { findOpa } from "../../test/opa.ts";
import { certificateFacts } from "../../test/records.ts";
import { startServer } from "../child-server.ts";
import { requestsPerSecond } from "../http-load.ts";
import { median } from "../measure.ts";
import { findGhz } from "../over-grpc.ts";
import { writeReport } from "../report.ts";
import { cerbosRequest, startCerbos } from "./cerbos.ts";
import { patches, type Question, questions } from "./scene.ts";
import { freePort, startPeer } from "./start.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "3" }, rounds: { type: "string", default: "5" } },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const root = path.resolve(import.meta.dirname, "../..");
const concurrency = 64;
const run = promisify(execFile);

const ghz = findGhz();
const opa = findOpa();
if (ghz === undefined || opa === undefined) {
  console.log(`NOT RUN: ${ghz === undefined ? "ghz" : "opa"}`);
  process.exit(process.env["CI"] === undefined ? 0 : 1);
}

const now = Math.floor(Date.now() / 1000);
const asked = questions(now);
const folder = mkdtempSync(path.join(tmpdir(), "sallyport-peers-"));
const stops: (() => void)[] = [];

/** One way to ask a peer: one question, whether it allows; and many per second. */
interface Way {
  readonly name: string;
  readonly rules: string;
  /** Whether the budget is about it: the same rules, or as near as its language comes. */
  readonly counts: boolean;
  allows(question: Question): Promise<boolean>;
  perSecond(forSeconds: number): Promise<number>;
}

async function ghzPerSecond(call: string, file: string, protoset: string[], address: string, forS: number) {
  const [command = "", ...args] = ghz as string[];
  const options = ["--insecure", ...protoset, `--call=${call}`, `--data-file=${file}`, "--format=json"];
  options.push(
    `--concurrency=${concurrency}`,
    "--connections=4",
    `--duration=${forS}s`,
    "--duration-stop=ignore",
  );
  const { stdout } = await run(command, [...args, ...options, address], { maxBuffer: 512 * 1024 * 1024 });
  const report = JSON.parse(stdout) as { rps: number; errorDistribution?: object };
  if (Object.keys(report.errorDistribution ?? {}).length > 0)
    throw new Error(`ghz saw errors: ${JSON.stringify(report.errorDistribution)}`);
  return report.rps;
}

async function sallyport(): Promise<Way> {
  const { address, stop } = await startServer(
    "attach-service.ts",
    String(asked.length),
    "file",
    JSON.stringify(patches),
  );
  stops.push(stop);
  const client = connect({ address });
  stops.push(() => void client[Symbol.asyncDispose]());
  const asserted = ({ query }: Question) => {
    const { client_id } = query.subject;
    const proof = { type: "asserted", credential: certificateFacts(client_id, now) } as const;
    return { ...query, subject: { client_id, proof } };
  };
  const protoset = path.join(folder, "sallyport.binpb");
  spawnSync("npx", ["buf", "build", "-o", protoset], { cwd: root });
  const file = path.join(folder, "sallyport.json");
  const { qos, retain, subject, topic } = asserted(asked[0] as Question);
  const proof = { asserted: subject.proof.credential };
  writeFileSync(
    file,
    JSON.stringify({ subject: { client_id: subject.client_id, proof }, topic, qos, retain }),
  );
  return {
    name: "Sallyport, gRPC",
    rules: "whole policy, cached",
    counts: false,
    allows: async (question) => (await client.decide(asserted(question))).allow,
    perSecond: (forS) =>
      ghzPerSecond(
        "sallyport.v1.DecisionService/CheckPublish",
        file,
        [`--protoset=${protoset}`],
        address,
        forS,
      ),
  };
}

async function post(url: string, body: object): Promise<Record<string, unknown>> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body), headers });
  return (await response.json()) as Record<string, unknown>;
}

async function opaWith(
  rules: string,
  files: readonly string[],
  document: string,
  counts: boolean,
): Promise<Way> {
  const port = await freePort();
  const [command = "", ...args] = opa as string[];
  const options = [
    "run",
    "--server",
    `--addr=127.0.0.1:${port}`,
    "--log-level=error",
    "--skip-version-check",
  ];
  const peer = await startPeer(command, [...args, ...options, ...files], port);
  stops.push(() => peer.stop());
  const at = `/v1/data/${document}`;
  const isAllow = (result: unknown): boolean =>
    result === true || (result as { allow?: boolean } | undefined)?.allow === true;
  return {
    name: "opa run --server, HTTP",
    rules,
    counts,
    allows: async ({ input }) => isAllow((await post(`http://127.0.0.1:${port}${at}`, { input }))["result"]),
    perSecond: (forS) =>
      requestsPerSecond(
        { port, path: at, body: JSON.stringify({ input: asked[0]?.input }) },
        concurrency,
        forS * 1000,
        (body) => body.includes("true"),
      ),
  };
}

async function cerbos(): Promise<Way | undefined> {
  const peer = await startCerbos();
  if (peer === undefined) return undefined;
  stops.push(() => peer.stop());
  const file = path.join(folder, "cerbos.json");
  writeFileSync(file, JSON.stringify(cerbosRequest(asked[0] as Question)));
  return {
    name: "Cerbos, gRPC",
    rules: "one rule of 26 conditions",
    counts: true,
    allows: async (question) => {
      const url = `http://127.0.0.1:${peer.httpPort}/api/check/resources`;
      const { results } = (await post(url, cerbosRequest(question))) as {
        results?: { actions: { publish: string } }[];
      };
      return results?.[0]?.actions.publish === "EFFECT_ALLOW";
    },
    perSecond: (forS) =>
      ghzPerSecond("cerbos.svc.v1.CerbosService/CheckResources", file, [], `127.0.0.1:${peer.port}`, forS),
  };
}

const policies = path.join(root, "policies");
const wholePolicy = [
  "authz",
  "lib",
  "profiles",
  "consume",
  "ota",
  "sallyport.rego",
  "mask.rego",
  "data.yaml",
];
try {
  const ways = [
    await sallyport(),
    await opaWith("one rule of 26 conditions", [path.join(import.meta.dirname, "opa")], "peers/allow", false),
    await opaWith(
      "whole policy",
      wholePolicy.map((name) => path.join(policies, name)),
      "sallyport/publish",
      true,
    ),
    await cerbos(),
  ].filter((way) => way !== undefined);
  for (const way of ways)
    for (const question of asked)
      if ((await way.allows(question)) !== question.allow)
        throw new Error(`${way.name} (${way.rules}) does not agree on: ${question.what}`);
  console.log(`${ways.length} ways agree on ${asked.length} questions`);
  for (const way of ways) await way.perSecond(1);
  const rates = ways.map((): number[] => []);
  const load = loadavg()[0];
  for (let round = 0; round < rounds; round++)
    for (const [i, way] of ways.entries()) rates[i]?.push(await way.perSecond(seconds));
  const [own = 0, ...others] = rates.map(median);
  const rows = ways.map(({ counts, name, rules }, i) => {
    const rate = [own, ...others][i] ?? Number.NaN;
    return {
      name,
      rules,
      per_second: Math.round(rate),
      sallyport_is: Number((own / rate).toFixed(2)),
      counts,
    };
  });
  console.table(rows);
  const met = ways.length === 4 && rows.every(({ counts, sallyport_is }) => !counts || sallyport_is >= 2);
  console.log(
    `budget: Sallyport's unary cached publish >= 2x OPA with the same rules and Cerbos: ${met ? "met" : "NOT met"}`,
  );
  writeReport("peers", { rows, rounds, seconds, concurrency, load_before: load, met });
} finally {
  for (const stop of stops.reverse()) stop();
}
