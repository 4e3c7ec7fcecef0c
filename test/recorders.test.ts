import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Kernel, NESTErrors } from "../ts/nest/index.js";

type Call =
  | ["Create", model: string, params: object]
  | ["Connect", source: number, target: number, synapse: object]
  | ["set", node: number, params: object]
  | ["Simulate", ms: number];

/** A history of calls, and what NEST's recorders then hold (`test/nest/record_recorders.py`). */
interface History {
  resolution: number;
  calls: Call[];
  /** Names of errors by the place of the call. */
  refused: { [place: string]: string };
  /** Of each recorder. */
  events: { [column: string]: number[] }[];
}

const isRecorder = (model: string) => model === "multimeter" || model === "spike_recorder";

function replay({ resolution, calls, refused }: History) {
  const kernel = new Kernel();
  kernel.set({ resolution });
  const recorders: number[] = [];
  const node = (id: number) => kernel.GetNodes().at(id - 1);
  calls.forEach((call, place) => {
    const make = () => {
      if (call[0] === "Create") {
        const made = kernel.Create(call[1] as "multimeter", 1, call[2]);
        if (isRecorder(call[1])) recorders.push(made.ids[0] as number);
      } else if (call[0] === "Connect") {
        kernel.Connect(node(call[1]), node(call[2]), "one_to_one", { delay: resolution });
      } else if (call[0] === "set") node(call[1]).set(call[2]);
      else kernel.Simulate(call[1]);
    };
    const label = `${JSON.stringify(calls)} call ${place}`;
    const code = refused[place];
    if (code === undefined) expect(make, label).not.toThrow();
    else expect(make, label).toThrow(expect.objectContaining({ code }));
  });
  return recorders.map((id) => ({ copied: kernel.events(node(id)), moved: kernel.takeEvents(node(id)) }));
}

/** Columns as rows in the order of time, then sender. */
function rows(columns: { [name: string]: ArrayLike<number> }): { [name: string]: number }[] {
  const names = Object.keys(columns).toSorted();
  const count = columns.times?.length ?? 0;
  return Array.from({ length: count }, (_, at) =>
    Object.fromEntries(names.map((name) => [name, columns[name]?.[at] ?? Number.NaN])),
  ).toSorted(
    (one, other) => (one.times ?? 0) - (other.times ?? 0) || (one.senders ?? 0) - (other.senders ?? 0),
  );
}

describe("recorders hold what NEST's hold", () => {
  const histories = JSON.parse(
    gunzipSync(readFileSync(new URL("nest/recorders.json.gz", import.meta.url))).toString(),
  ) as History[];

  it("after random histories of calls", () => {
    expect(histories.length).toBeGreaterThan(50);
    histories.forEach((history, place) => {
      const held = replay(history);
      held.forEach(({ copied, moved }, recorder) => {
        const label = `history ${place}, recorder ${recorder}: ${JSON.stringify(history)}`;
        expect(moved, label).toEqual(copied);
        const [ours, nest] = [rows(moved), rows(history.events[recorder] ?? {})];
        expect(ours.length, label).toBe(nest.length);
        nest.forEach((row, at) => {
          // Spikes and samples lie on the grid of steps: `offsets` from it are all zero, and are left out.
          for (const [name, value] of Object.entries(row).filter(([column]) => column !== "offsets")) {
            expect(ours[at]?.[name], `${label} event ${at}, ${name}`).toBeCloseTo(value, 9);
          }
        });
      });
    });
  });
});

describe("events that are dropped", () => {
  const recorded = () => {
    const kernel = new Kernel();
    const generator = kernel.Create("spike_generator", 1, { spike_times: [1, 2, 3] });
    const recorders = kernel.Create("spike_recorder", 2);
    const parrot = kernel.Create("parrot_neuron");
    kernel.Connect(generator, recorders);
    kernel.Connect(generator, parrot);
    kernel.Simulate(5);
    return { kernel, recorders, parrot };
  };

  it("are those of the recorders that were named", () => {
    const { recorders } = recorded();
    recorders.set([{ n_events: 0 }, {}]);
    expect(recorders.get("n_events")).toEqual([0, 3]);
  });

  it("stay where the call is refused", () => {
    const { recorders, parrot } = recorded();
    const all = recorders.concat(parrot);
    expect(() => all.set({ n_events: 0 } as object)).toThrow(NESTErrors.UnaccessedDictionaryEntry);
    expect(() => recorders.set([{ n_events: 0 }, { n_events: 2 }])).toThrow(NESTErrors.BadProperty);
    expect(recorders.get("n_events")).toEqual([3, 3]);
  });
});

describe("one multimeter on readouts of both families", () => {
  it("has columns of one length, whatever is asked for in between", () => {
    const kernel = new Kernel();
    const readouts = kernel.Create("eprop_readout").concat(kernel.Create("eprop_readout_bsshslm_2020"));
    const meter = kernel.Create("multimeter", 1, { record_from: ["V_m", "error_signal"] });
    kernel.Connect(meter, readouts);
    kernel.Simulate(20);
    expect(() => meter.set({ record_from: ["target_signal"] })).toThrow(NESTErrors.BadProperty);
    kernel.Simulate(20);
    const held = kernel.events(meter);
    expect(new Set(Object.values(held).map((column) => column.length)).size).toBe(1);
    expect(held.times?.length).toBeGreaterThan(60);
    expect(kernel.takeEvents(meter)).toEqual(held);
    expect(kernel.events(meter).times).toHaveLength(0);
  });
});

describe("weight recorders", () => {
  it("see no learning signals, and say so", () => {
    const kernel = new Kernel();
    const recorder = kernel.Create("weight_recorder");
    for (const family of ["", "_bsshslm_2020"] as const) {
      const model = `eprop_learning_signal_connection${family}` as const;
      expect(() => kernel.CopyModel(model, `seen${family}`, { weight_recorder: recorder })).toThrow(
        NESTErrors.NotImplemented,
      );
      expect(() => kernel.SetDefaults(model, { weight_recorder: recorder })).toThrow(
        /weight recorders see spikes alone.*weight_recorder.*node 1/,
      );
      expect(kernel.GetDefaults(model).weight_recorder).toHaveLength(0);
    }
  });
  it("see what generators send over plastic synapses, where NEST has none", () => {
    const kernel = new Kernel();
    kernel.set({ resolution: 1 });
    const recorder = kernel.Create("weight_recorder");
    kernel.SetDefaults("eprop_synapse", { weight_recorder: recorder });
    kernel.SetDefaults("static_synapse", { weight_recorder: recorder });
    const generator = kernel.Create("spike_generator", 1, { spike_times: [2, 4] });
    const neuron = kernel.Create("eprop_iaf");
    kernel.Connect(generator, neuron, "all_to_all", { synapse_model: "eprop_synapse", weight: 3, delay: 1 });
    kernel.Connect(generator, neuron, "all_to_all", { synapse_model: "static_synapse", weight: 5, delay: 1 });
    kernel.Simulate(10);
    const { times, weights } = kernel.events(recorder);
    expect([...(times ?? [])]).toEqual([2, 4]);
    expect([...(weights ?? [])]).toEqual([3, 3]);
  });
});
