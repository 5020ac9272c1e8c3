/** What a service that has just started says to the person who started it. */
import { relative } from "node:path";
import type { Service } from "../app.ts";
import type { Config } from "../config/config.ts";
import { alignCells } from "./page.ts";
import { visible } from "./visible.ts";

/** How this program was called, so that the lines can be pasted. */
function callOf(argv: readonly string[], execArgv: readonly string[], cwd: string): string {
  const script = argv[1] ?? "";
  if (!/\.[cm]?[jt]s$/.test(script)) return "sallyport";
  return ["node", ...execArgv, relative(cwd, script)].join(" ");
}

/** Text with addresses, what is missing before it is ready, and what to try next. */
export function welcome(app: Service, config: Config, version: string): string {
  const call = callOf(process.argv, process.execArgv, process.cwd());
  const { tls } = config.grpc;
  const where = app.grpcAddress === "127.0.0.1:7600" ? "" : ` --address ${app.grpcAddress}`;
  const how = tls === undefined ? where : `${where} --tls-ca FILE`;
  const device = app.registry.device("meter-001") === undefined ? "DEVICE" : "meter-001";
  const http = `${config.http.tls === undefined ? "http" : "https"}://${app.httpAddress}`;
  const missing = app.missing().map(({ name, why }) => ["not ready", `${name}: ${why}`]);
  const facts = alignCells([
    ["gRPC", `${app.grpcAddress}${tls === undefined ? "" : " (TLS)"}`],
    ["HTTP", `${http}/healthz /readyz /metrics`],
    ...missing,
  ]);
  const next = [
    `${call} check connect --as ${device}${how}`,
    `${call} check publish --as ${device} --topic t/TENANT/d/${device}/ops/temp --explain${how}`,
    `${call} device get ${device}${how}`,
    `curl ${http}/readyz`,
  ];
  const topic = app.registry.device(device)?.record?.tenant ?? "TENANT";
  return [
    `sallyport ${version}`,
    ...facts.map((line) => `  ${line}`),
    "",
    "try in another terminal:",
    ...next.map((line) => `  ${visible(line.replace("TENANT", topic))}`),
    "",
    "",
  ].join("\n");
}
