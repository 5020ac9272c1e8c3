import { isLoopback, parseAddress } from "./address.ts";
import type { Config, ListenerConfig } from "./config.ts";
import type { Problem } from "./describe-issue.ts";

function checkListener(name: "grpc" | "http", listener: ListenerConfig, insecure: boolean): Problem[] {
  const host = parseAddress(listener.listen)?.host ?? "";
  if (listener.tls !== undefined || insecure || isLoopback(host)) return [];
  const text = `\`${name}.listen\` is \`${listener.listen}\`, which others can reach: give \`${name}.tls\`, or set \`insecure: true\` if that is meant`;
  return [{ at: [name, "listen"], text }];
}

function checkUnique(list: "peers" | "trust_domains", names: readonly string[]): Problem[] {
  return names.flatMap((name, index) =>
    names.indexOf(name) === index
      ? []
      : [
          {
            at: [list, index, "name"],
            text: `\`${list}[${index}].name\` repeats \`${name}\`: names are unique`,
          },
        ],
  );
}

function checkBundleSource({ bundle: { file, http, nats }, insecure }: Config): Problem[] {
  const given = [file, http, nats].filter((source) => source !== undefined).length;
  if (given === 0) {
    const text =
      "`bundle.file` is missing (or `SALLYPORT_BUNDLE_FILE`), or `bundle.http` or `bundle.nats` instead of it";
    return [{ at: ["bundle"], text }];
  }
  if (given > 1) {
    return [{ at: ["bundle"], text: "`bundle` has more than one of `file`, `http` and `nats`: keep one" }];
  }
  if (http === undefined || insecure) return [];
  const { protocol, hostname } = new URL(http.url);
  if (protocol === "https:" || (protocol === "http:" && isLoopback(hostname.replace(/^\[|\]$/g, ""))))
    return [];
  const text = `\`bundle.http.url\` is \`${http.url}\`: use https, or set \`insecure: true\` if that is meant`;
  return [{ at: ["bundle", "http", "url"], text }];
}

function checkRegistrySources({ insecure, registry: { http } }: Config): Problem[] {
  return http.flatMap(({ name, url, write_back_url }, index) => {
    const problems: Problem[] = [];
    if (http.findIndex((each) => each.name === name) !== index)
      problems.push({
        at: ["registry", "http", index, "name"],
        text: `\`registry.http[${index}].name\` repeats \`${name}\`: names are unique`,
      });
    for (const [option, address] of Object.entries({ url, write_back_url })) {
      if (address === undefined) continue;
      const { protocol, hostname } = new URL(address);
      const local = protocol === "http:" && isLoopback(hostname.replace(/^\[|\]$/g, ""));
      if (protocol !== "https:" && !local && !(insecure && protocol === "http:"))
        problems.push({
          at: ["registry", "http", index, option],
          text: `\`registry.http[${index}].${option}\` is \`${address}\`: use https, or set \`insecure: true\` if that is meant`,
        });
    }
    return problems;
  });
}

/** What is wrong between options that are each well-formed. */
export function checkConfig(config: Config): Problem[] {
  const problems = [
    ...checkListener("grpc", config.grpc, config.insecure),
    ...checkListener("http", config.http, config.insecure),
    ...checkUnique(
      "peers",
      config.peers.map(({ name }) => name),
    ),
    ...checkUnique(
      "trust_domains",
      config.trust_domains.map(({ name }) => name),
    ),
  ];
  if (config.decision_log.sink === "file" && config.decision_log.path === undefined) {
    problems.push({
      at: ["decision_log", "sink"],
      text: "`decision_log.path` is missing: the sink is a file",
    });
  }
  if (config.bundle.keyset === undefined && config.bundle.unsigned === "refuse") {
    problems.push({
      at: ["bundle", "keyset"],
      text: "`bundle.keyset` is missing: name the file that says who signs bundles, or set `bundle.unsigned: allow`",
    });
  }
  problems.push(...checkBundleSource(config), ...checkRegistrySources(config));
  const certified = config.grpc.tls?.client_ca !== undefined || config.http.tls?.client_ca !== undefined;
  for (const [index, { match }] of config.peers.entries()) {
    const needs = (["uri", "dns", "fingerprint"] as const).find((member) => match[member] !== undefined);
    if (needs === undefined || certified) continue;
    const text = `\`peers[${index}].match.${needs}\` can never hold: no listener asks for client certificates, give \`grpc.tls.client_ca\``;
    problems.push({ at: ["peers", index, "match", needs], text });
  }
  return problems;
}
