import { supports } from "../../../src/adapters/aedes/aedes.ts";
import { type Door, describeConformance } from "../conformance.ts";
import { connack, eventually, openBroker } from "./broker.ts";

describeConformance({
  name: "the aedes adapter",
  supports,
  async open(decider, deadlineMs): Promise<Door> {
    const broker = await openBroker({ decider, deadlineMs });
    let client = broker.client();
    return {
      async connect(will) {
        if (will !== undefined) client = broker.client({ will: { ...will, payload: Buffer.from("gone") } });
        return (await connack(client)) === 0 ? "accepted" : "refused";
      },
      async publish(topic, qos, retain) {
        const before = broker.seen.length;
        client.publish(topic, "42", { qos, retain });
        const arrived = await eventually(() => broker.seen.slice(before).includes(topic), 250);
        return arrived ? "delivered" : "stopped";
      },
      async subscribe(filter, qos) {
        const granted = await client.subscribeAsync(filter, { qos }).catch(() => []);
        return granted.length > 0 && granted.every((grant) => grant.qos !== 128) ? "granted" : "refused";
      },
      async receive(topic) {
        let qos: 0 | 1 | 2 | undefined;
        client.on("message", (name, _, packet) => {
          if (name === topic) qos = packet.qos;
        });
        const packet = { cmd: "publish", topic, payload: "x", qos: 2, retain: false, dup: false } as const;
        broker.aedes.publish(packet, () => {});
        await eventually(() => qos !== undefined, 300);
        return qos;
      },
      async open() {
        await new Promise((resolve) => setTimeout(resolve, 100));
        return client.connected;
      },
      async gone(withinMs) {
        if (!(await eventually(() => !client.connected, withinMs)))
          throw new Error("the session still stands");
      },
      [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
    };
  },
});
