/** `providers.aws.sign_req`: AWS Signature Version 4 of a request, over the time that it is given. */
import { createHash, createHmac } from "node:crypto";
import { jsonText, type Term } from "../term.ts";
import type { BuiltinTable } from "./builtin.ts";
import { bigint, flag, isMap, map, mapOf, type TermMap, text } from "./operands.ts";

const required = ["aws_service", "aws_access_key", "aws_secret_access_key", "aws_region"];
/** Headers that proxies change are not signed. */
const unsigned = ["authorization", "user-agent", "x-amzn-trace-id"];

const sha256 = (value: string): string => createHash("sha256").update(value).digest("hex");
const mac = (key: string | Buffer, value: string): Buffer => createHmac("sha256", key).update(value).digest();

interface Config {
  readonly service: string;
  readonly access: string;
  readonly secret: string;
  readonly region: string;
  readonly session: string | undefined;
  readonly unsignedPayload: boolean;
}

function configOf(term: Term | undefined): Config {
  const given = map(term);
  const [service, access, secret, region] = required.map((name) => text(given.get(name))) as [
    string,
    string,
    string,
    string,
  ];
  const session = given.get("aws_session_token");
  const disabled = given.get("disable_payload_signing");
  return {
    service,
    access,
    secret,
    region,
    session: session === undefined || session === "" ? undefined : text(session),
    unsignedPayload: disabled !== undefined && flag(disabled),
  };
}

function bodyOf(request: TermMap): string {
  const raw = request.get("raw_body");
  if (raw !== undefined) return typeof raw === "string" ? raw : "";
  const body = request.get("body");
  return body === undefined ? "" : jsonText(body);
}

/** The headers of the request with those of the signature. */
function sign(request: TermMap, config: Config, nanoseconds: bigint): TermMap {
  const url = new URL(text(request.get("url")));
  const given = request.get("headers");
  if (given !== undefined && !isMap(given)) throw new TypeError("headers are an object");
  const date = new Date(Number(nanoseconds / 1_000_000_000n) * 1000);
  const stamp = date.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = stamp.slice(0, 8);
  const digest = config.unsignedPayload ? "UNSIGNED-PAYLOAD" : sha256(bodyOf(request));
  const added = new Map<string, string>([
    ["host", url.host],
    ["x-amz-date", stamp],
  ]);
  if (config.service === "s3" || config.service === "glacier") added.set("x-amz-content-sha256", digest);
  if (config.session !== undefined) added.set("x-amz-security-token", config.session);
  const own = [...(given ?? new Map<Term, Term>())].map(([name, value]): [string, string] => [
    text(name),
    typeof value === "string" ? value : "",
  ]);
  const signed = new Map([
    ...added,
    ...own
      .map(([name, value]): [string, string] => [name.toLowerCase(), value])
      .filter(([name]) => !unsigned.includes(name)),
  ]);
  const names = [...signed.keys()].sort();
  const path = /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(text(request.get("url")))?.[1] ?? "";
  const canonical = [
    text(request.get("method")),
    path,
    url.search.slice(1),
    ...names.map((name) => `${name}:${signed.get(name)}`),
    "",
    names.join(";"),
    digest,
  ].join("\n");
  const scope = `${day}/${config.region}/${config.service}/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${sha256(canonical)}`;
  const key = [day, config.region, config.service, "aws4_request"].reduce<string | Buffer>(
    mac,
    `AWS4${config.secret}`,
  );
  const signature = mac(key, toSign).toString("hex");
  const authorization = `AWS4-HMAC-SHA256 Credential=${config.access}/${scope},SignedHeaders=${names.join(";")},Signature=${signature}`;
  return mapOf([...own, ["Authorization", authorization], ...added]);
}

/** `providers.aws.*`. */
export const awsBuiltins: BuiltinTable = {
  "providers.aws.sign_req": (request, config, nanoseconds) => {
    const at = bigint(nanoseconds);
    if (BigInt.asIntN(64, at) !== at) throw new RangeError("beyond 64 bits");
    const fields = map(request);
    text(fields.get("method"));
    return mapOf([...fields, ["headers", sign(fields, configOf(config), at)]]);
  },
};
