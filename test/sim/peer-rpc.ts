/** Calls to one server over whatever connection there is, dialed when one is needed. */
import type { Endpoint } from '../../proto/ports.ts';
import type { Rpc } from '../../proto/rpc.ts';
import type { SimConnection } from './connection.ts';
import type { Speaker, Wires } from './wires.ts';

export class PeerRpc implements Rpc {
  readonly #wires: Wires;
  readonly #speaker: Speaker;
  readonly #address: () => Endpoint;
  #connection: Promise<SimConnection> | null = null;

  constructor(wires: Wires, speaker: Speaker, address: () => Endpoint) {
    this.#wires = wires;
    this.#speaker = speaker;
    this.#address = address;
  }

  call: Rpc['call'] = async (method, params, options) => {
    return (await this.#connected()).call(method, params, options);
  };

  stream: Rpc['stream'] = (method, params, options) => {
    const connected = () => this.#connected();
    return (async function* () {
      yield* (await connected()).stream(method, params, options);
    })();
  };

  notify: Rpc['notify'] = (method, params) => {
    this.#connected().then(
      (connection) => connection.notify(method, params),
      () => {},
    );
  };

  #connected(): Promise<SimConnection> {
    if (this.#connection === null) {
      const dialed = this.#wires.dial(this.#speaker, this.#address());
      const forget = () => {
        if (this.#connection === dialed) this.#connection = null;
      };
      dialed.then((connection) => connection.onLeaving(forget), forget);
      this.#connection = dialed;
    }
    return this.#connection;
  }
}
