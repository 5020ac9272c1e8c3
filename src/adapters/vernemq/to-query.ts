/** What VerneMQ asks as questions. */

/** A filter of `auth_on_subscribe`. */
export interface HookTopic {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
}

/** What is read of a hook. */
export interface Hook {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly address: string;
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly topics: readonly HookTopic[];
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const toQos = (value: unknown): 0 | 1 | 2 => (value === 0 || value === 1 ? value : 2);

function toTopic(given: unknown): HookTopic {
  // MQTT 5 hooks and newer versions name the members; older ones send pairs.
  if (Array.isArray(given)) return { topic: text(given[0]), qos: toQos(given[1]) };
  const { topic, qos } = (given ?? {}) as Record<string, unknown>;
  return { topic: text(topic), qos: toQos(qos) };
}

/** Reads a hook's JSON. Throws where it is none. */
export function toHook(body: Uint8Array): Hook {
  const given = JSON.parse(Buffer.from(body).toString("utf8")) as Record<string, unknown>;
  const { topics } = given;
  return {
    clientId: text(given["client_id"]),
    username: text(given["username"]),
    password: text(given["password"]),
    address: text(given["addr"]),
    topic: text(given["topic"]),
    qos: toQos(given["qos"]),
    retain: given["retain"] !== false,
    topics: Array.isArray(topics) ? topics.map(toTopic) : [],
  };
}
