/** The few things of Aedes 1.x that the adapter touches, by shape: it imports no broker. */

/** A connection's stream: a TCP or TLS socket, or a WebSocket stream. */
export interface AedesConnection {
  once(event: "close", listener: () => void): unknown;
}

/** A connected MQTT client. */
export interface AedesClient {
  /** Client id; set between `preConnect` and `authenticate`. */
  readonly id: string;
  readonly closed: boolean;
  readonly conn: AedesConnection;
  /** The HTTP request of a WebSocket connection. */
  readonly req?: { readonly socket: object };
  /** Its subscriptions by filter. */
  readonly subscriptions?: Readonly<Record<string, unknown>>;
  close(done?: () => void): void;
  unsubscribe(
    packet: { cmd: "unsubscribe"; messageId?: number; unsubscriptions: string[] },
    done?: (error?: Error) => void,
  ): void;
}

/** A message, a last will included. Aedes hands out objects that may be changed in place. */
export interface AedesPacket {
  topic: string;
  payload: string | Buffer;
  qos: 0 | 1 | 2;
  retain: boolean;
}

/** A last will as the CONNECT packet carries it. */
export interface AedesWill {
  readonly topic: string;
  readonly qos?: 0 | 1 | 2;
  readonly retain?: boolean;
}

/** What is read of a CONNECT packet. */
export interface AedesConnect {
  readonly will?: AedesWill | undefined;
}

/** One entry of a SUBSCRIBE packet; changing `qos` caps what is delivered. */
export interface AedesSubscription {
  readonly topic: string;
  qos: 0 | 1 | 2;
}

/** An error that Aedes turns into a CONNACK return code [MQTT-3.2.2-4]. */
export type ConnackError = Error & { returnCode: 2 | 3 | 4 | 5 };
