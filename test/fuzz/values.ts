/** What calls are made on, and values of every kind to call with. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as eprop from "../../ts/index.js";
import * as nest from "../../ts/nest/index.js";

const { Kernel, Network, NumpyRandom, tasks } = eprop;

/** What calls are made on; made anew for each history. */
export class World implements Disposable {
  readonly kernel = new Kernel();
  readonly other = new Kernel();
  readonly closed = new Kernel();
  readonly folder = mkdtempSync(join(tmpdir(), "eprop-fuzz-api-"));
  readonly random = new NumpyRandom(1);
  readonly task = tasks.sineWaves({ iterations: 1 });
  readonly nodes: nest.NodeCollection;
  readonly recorder: nest.NodeCollection;
  readonly foreign: nest.NodeCollection;
  readonly stale: nest.NodeCollection;
  readonly connections: nest.SynapseCollection;
  readonly network: eprop.Network;

  constructor() {
    this.stale = this.kernel.Create("parrot_neuron", 2);
    this.kernel.ResetKernel();
    this.nodes = small(this.kernel);
    this.recorder = this.kernel.GetNodes("spike_recorder");
    this.connections = this.kernel.GetConnections();
    this.foreign = this.other.Create("parrot_neuron", 2);
    this.network = Network.of(this.kernel);
    void this.closed.close();
  }

  /** A path in the world's folder. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /** A digest of the whole kernel. */
  digest(): string {
    const hash = createHash("sha256");
    const { arrays, texts } = this.kernel.state();
    for (const part of [...arrays, ...texts]) {
      for (const value of Object.values(part)) {
        hash.update(
          ArrayBuffer.isView(value)
            ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
            : String(value),
        );
      }
    }
    return hash.digest("hex");
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Inputs, neurons, a readout and a recorder, connected; gives the neurons. */
function small(kernel: nest.Kernel): nest.NodeCollection {
  kernel.set({ resolution: 1, eprop_update_interval: 10, eprop_learning_window: 10 });
  const input = kernel.Create("spike_generator", 2, { spike_times: [2, 5] });
  const neurons = kernel.Create("eprop_iaf_bsshslm_2020", 3, { V_th: 0.5, E_L: 0, V_m: 0 });
  const readout = kernel.Create("eprop_readout_bsshslm_2020", 1);
  const recorder = kernel.Create("spike_recorder");
  const synapse = { synapse_model: "eprop_synapse_bsshslm_2020", delay: 1 } as const;
  kernel.Connect(input, neurons, "all_to_all", { ...synapse, weight: 1 });
  kernel.Connect(neurons, readout, "all_to_all", { ...synapse, weight: 0.1 });
  kernel.Connect(readout, neurons, "all_to_all", {
    synapse_model: "eprop_learning_signal_connection_bsshslm_2020",
    delay: 1,
    weight: 1,
  });
  kernel.Connect(neurons, recorder);
  kernel.Create("step_rate_generator");
  return neurons;
}

export type Make = (world: World) => unknown;

const throwing = () => {
  throw new Error("on purpose");
};
const traps = Object.fromEntries(
  Object.getOwnPropertyNames(Reflect).map((name) => [name, throwing]),
) as ProxyHandler<object>;

/** Values of every kind, by name. */
export const values: Readonly<Record<string, Make>> = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  "a number as text": () => "3",
  "an empty text": () => "",
  "a huge text": () => "x".repeat(100_000),
  "half a surrogate pair": () => "\ud800",
  zero: () => 0,
  "minus zero": () => -0,
  "a negative number": () => -1,
  "a fraction": () => 1.5,
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  "a huge number": () => 1e300,
  "a BigInt": () => 10n,
  "a symbol": () => Symbol("eprop"),
  "a function": () => () => 1,
  "an empty list": () => [],
  "a list of numbers": () => [1, 2, 3],
  "a list of texts": () => ["a", "b"],
  "a list of mixed values": () => [1, "a", null],
  "a list of lists": () => [[1, 2], [3]],
  "a list of nothing": () => [undefined, null],
  // eslint-disable-next-line no-sparse-arrays
  "a sparse list": () => [1, , 3], // prettier-ignore
  "a huge sparse list": () => Object.assign([], { length: 4e9 }),
  "a dictionary": () => ({ tau_n: 1 }),
  "an empty dictionary": () => ({}),
  "a dictionary of prototypes": () => JSON.parse('{"__proto__": 1, "constructor": 2}') as unknown,
  "a dictionary of nothing": () => ({ tau_m: null, weight: null }),
  "a dictionary with a symbol": () => ({ tau_m: Symbol("eprop") }),
  "a dictionary with a BigInt": () => ({ tau_m: 1n }),
  "a dictionary with a cycle": () => {
    const cycle: Record<string, unknown> = {};
    cycle["optimizer"] = cycle;
    cycle["tau_m"] = [cycle];
    return cycle;
  },
  "a distribution that is none": () => ({ distribution: 5, first: "a" }),
  "a matrix that is none": () => ({ data: 5, shape: [1] }),
  "a matrix of the wrong shape": () => ({ weight: { data: [1, 2], shape: [2, 2] } }),
  "a date": () => new Date(0),
  "a map": () => new Map([["tau_m", 1]]),
  "a set": () => new Set([1]),
  "a pattern": () => /x/,
  "a promise": () => Promise.resolve(1),
  "a boxed number": () => Object(3) as unknown,
  "a boxed text": () => Object("eprop_iaf") as unknown,
  "an instance of a class": () =>
    new (class Parameters {
      tau_m = 10;
    })(),
  "an error": () => new Error("an argument"),
  "numbers of 32 bits": () => new Float32Array([1, 2]),
  "numbers of 64 bits": () => new BigInt64Array(2),
  bytes: () => new Uint8Array(2),
  "a view": () => new DataView(new ArrayBuffer(8)),
  "a buffer": () => new ArrayBuffer(8),
  "a dictionary without a prototype": () => Object.assign(Object.create(null), { tau_n: 1 }) as unknown,
  "a getter that throws": () => Object.defineProperty({}, "tau_m", { enumerable: true, get: throwing }),
  "a getter that throws undefined": () =>
    Object.defineProperty({}, "tau_m", {
      enumerable: true,
      get() {
        throw undefined; // oxlint-disable-line no-throw-literal
      },
    }),
  "a proxy that throws": () => new Proxy({}, traps),
  "a list that throws": () => new Proxy([1], { get: throwing }),
  "a function that throws": () => new Proxy(() => 1, traps),
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  "nodes of another kernel": ({ foreign }) => foreign,
  "nodes from before a reset": ({ stale }) => stale,
  "nodes of a closed kernel": ({ closed }) => closed,
  "a kernel": ({ other }) => other,
  connections: ({ connections }) => connections,
  "a network": ({ network }) => network,
  "a class": () => Kernel,
  "a web address": () => new URL("https://example.org"),
};
