import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Kernel, type NodeCollection, random, type RandomParameter } from "../ts/nest/index.js";

type Range = [first: number, end: number];
type Values = { [name: string]: number | [place: number] };
type Call =
  | ["Create", model: string, n: number, params: Values]
  | ["set", nodes: Range, params: Values]
  | ["seed", seed: number]
  | ["Connect", sources: Range, targets: Range, rule: object, synapse: Values];
type Connection = [source: number, target: number, weight: number, delay: number];

/** What NEST draws in a network (`test/nest/record_random_numbers.py`). */
interface Case {
  seed: number;
  resolution: number;
  distributions: [Exclude<keyof typeof random, "uniform_int">, object][];
  calls: Call[];
  connections: Connection[];
  parameters: [node: number, name: string, value: number][];
}

const file = (name: string) => readFileSync(new URL(name, import.meta.url));
const readPacked = (name: string): unknown => JSON.parse(gunzipSync(file(name)).toString());

function replay({ seed, resolution, distributions, calls }: Case): Kernel {
  const kernel = new Kernel();
  kernel.set({ resolution, rng_seed: seed });
  const drawnFrom = distributions.map(([name, values]) => random[name](values));
  const params = (values: Values) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        typeof value === "number" ? value : (drawnFrom[value[0]] as RandomParameter),
      ]),
    );
  const nodes = ([first, end]: Range): NodeCollection => kernel.GetNodes().slice(first - 1, end - 1);
  for (const call of calls) {
    if (call[0] === "Create") kernel.Create(call[1] as "eprop_iaf", call[2], params(call[3]));
    else if (call[0] === "set") nodes(call[1]).set(params(call[2]));
    else if (call[0] === "seed") kernel.set({ rng_seed: call[1] });
    else kernel.Connect(nodes(call[1]), nodes(call[2]), call[3], params(call[4]));
  }
  return kernel;
}

function connectionsOf(kernel: Kernel): Connection[] {
  const found = kernel.GetConnections();
  const [source, target] = [found.get("source"), found.get("target")];
  const [weight, delay] = [found.get("weight"), found.get("delay")];
  return sorted([...source].map((id, at) => [id, target[at] ?? 0, weight[at] ?? 0, delay[at] ?? 0]));
}

function sorted(list: Connection[]): Connection[] {
  return list.toSorted((one, other) => {
    const place = one.findIndex((value, at) => value !== other[at]);
    return place < 0 ? 0 : (one[place] as number) - (other[place] as number);
  });
}

function expectConnections(found: Connection[], recorded: Connection[], label: string) {
  expect(
    found.map(([source, target]) => [source, target]),
    label,
  ).toEqual(recorded.map(([source, target]) => [source, target]));
  recorded.forEach(([, , weight, delay], at) => {
    expect(Math.abs((found[at]?.[2] ?? Number.NaN) - weight), label).toBeLessThan(
      1e-13 * Math.max(1, Math.abs(weight)),
    );
    expect(found[at]?.[3], label).toBeCloseTo(delay, 9);
  });
}

describe("the same seed draws what NEST draws", () => {
  it("connections, weights, delays and parameters of nodes", () => {
    const cases = readPacked("nest/random_numbers.json.gz") as Case[];
    expect(cases.length).toBeGreaterThan(150);
    for (const recorded of cases) {
      const kernel = replay(recorded);
      const label = JSON.stringify(recorded.calls);
      expectConnections(connectionsOf(kernel), sorted(recorded.connections), label);
      for (const [node, name, value] of recorded.parameters) {
        const found = kernel
          .GetNodes()
          .at(node - 1)
          .get(name);
        expect(Math.abs((found as number) - value), `${label} ${name} of node ${node}`).toBeLessThan(
          1e-12 * Math.abs(value),
        );
      }
    }
  });

  it("networks that were recorded elsewhere", () => {
    interface Recorded {
      seed: number;
      sources: number;
      targets: number;
      same_population: boolean;
      rule: object;
      random_weights: boolean;
      pairs: [number, number][];
      weights: number[] | null;
    }
    for (const recorded of JSON.parse(file("nest/connection_rules.json").toString()) as Recorded[]) {
      const kernel = new Kernel();
      kernel.set({ rng_seed: recorded.seed });
      const sources = kernel.Create("eprop_iaf", recorded.sources);
      const targets = recorded.same_population ? sources : kernel.Create("eprop_iaf", recorded.targets);
      const weight = recorded.random_weights ? random.normal({ mean: 0, std: 1 }) : 1;
      kernel.Connect(sources, targets, recorded.rule, { weight });
      const expected = recorded.pairs.map(([source, target], at): Connection => [
        source,
        target,
        recorded.weights?.[at] ?? 1,
        1,
      ]);
      expectConnections(connectionsOf(kernel), sorted(expected), JSON.stringify(recorded.rule));
    }
  });

  it("a refused call leaves the generators alone", () => {
    const weights = (refused: boolean) => {
      const kernel = new Kernel();
      kernel.set({ rng_seed: 3 });
      const nodes = kernel.Create("eprop_iaf", 4);
      const weight = random.normal();
      const rule = { rule: "fixed_outdegree", outdegree: 2 } as const;
      if (refused) {
        expect(() =>
          kernel.Connect(nodes, nodes, rule, {
            synapse_model: "eprop_synapse",
            weight: 1,
            delay: random.uniform({ max: 0.4 }),
          }),
        ).toThrow(/delay/);
        expect(() =>
          kernel.Connect(nodes, nodes, { ...rule, allow_multapses: false, outdegree: 5 }, { weight }),
        ).toThrow(/not enough nodes/);
      }
      kernel.Connect(nodes, nodes, rule, { weight });
      return connectionsOf(kernel);
    };
    expect(weights(true)).toEqual(weights(false));
  });
});
