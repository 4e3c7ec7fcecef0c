/** What is read is typed, and wrong names that are read do not compile; run as `test/types.ts` is. */
/* oxlint-disable no-unused-vars -- what is declared is held against its type when it is run */
import {
  Kernel,
  type EventColumns,
  type NodeCollection,
  type NodeModelName,
  type SynapseCollection,
} from "../ts/nest/index.js";

const kernel = new Kernel();
kernel.set({ resolution: 1 });

// Of a single node the value itself, of several an entry each; a number in a variable may be either

const one = kernel.Create("eprop_iaf_adapt");
const also: NodeCollection<"eprop_iaf_adapt", true> = kernel.Create("eprop_iaf_adapt", 1);
const three = kernel.Create("eprop_iaf_adapt", 3, { tau_m: [10, 20, 30] });
const count = [2].length + 1;
const some = kernel.Create("eprop_iaf_adapt", count);
const tauOfOne: number = one.get("tau_m");
const adaptedOfAlso: number = also.get("V_th_adapt");
const tauOfThree: number[] = three.get("tau_m");
const tauOfSome: number | number[] = some.get("tau_m");
const tauOfNext: number = three.at(-1).get("tau_m");
const tauOfPart: number | number[] = three.slice(1).get("tau_m");
const ofEach: number[] = Array.from(three.nodes(), (node) => node.get("tau_m"));
const ofParameters: number = kernel.Create("eprop_iaf", { tau_m: 20 }).get("tau_m");
const ofOneDictionary: number = kernel.Create("eprop_iaf", 1, { tau_m: 20 }).get("tau_m");
const ofCopy: number = kernel.Create(kernel.CopyModel("eprop_iaf", "mine")).get("tau_m");
const ofLocal: number[] = kernel.GetLocalNodeCollection(three).get("tau_m");
// @ts-expect-error: several have a list (it runs)
void (three.get("tau_m") satisfies number);
// @ts-expect-error: one has no list (it runs)
void (one.get("tau_m") satisfies number[]);
// @ts-expect-error: it may be a list (it runs)
void (some.get("tau_m") satisfies number);

// Kinds of values

const surrogate: "piecewise_linear" | "exponential" | "fast_sigmoid_derivative" | "arctan_derivative" =
  one.get("surrogate_gradient_function");
const fires: boolean[] = three.get("ignore_and_spike");
const model: string = one.get("model");
const id: number = one.get("global_id");
const recorded: ("V_m" | "learning_signal" | "surrogate_gradient" | "adaptation" | "V_th_adapt" | "eprop_history_duration")[] =
  one.get("recordables"); // prettier-ignore
const ports: { readout_signal: number; target_signal: number } = kernel
  .Create("eprop_readout_bsshslm_2020")
  .get("receptor_types");
const times: Float64Array = kernel.Create("spike_generator", { spike_times: [1, 2] }).get("spike_times");
const timesOfTwo: Float64Array[] = kernel.Create("spike_generator", 2).get("spike_times");
const senders: Uint32Array = kernel.Create("weight_recorder", { senders: three }).get("senders");

// What one call gives is what another takes

const meter = kernel.Create("multimeter", { record_from: one.get("recordables") });
kernel.Create("multimeter", 1, { record_from: one.get("recordables") });
kernel.Create("multimeter", { record_from: three.at(0).get("recordables") });
kernel.Create("multimeter", { record_from: kernel.GetDefaults("eprop_iaf", "recordables") });
kernel.Create("eprop_iaf_adapt", 3, { tau_m: three.get("tau_m") });
kernel.Create("eprop_iaf_adapt", 3, {
  surrogate_gradient_function: one.get("surrogate_gradient_function"),
});
kernel.SetStatus(three, "V_m", three.get("V_m"));
// @ts-expect-error: a list for each of several nodes is no list of names
kernel.Create("multimeter", { record_from: three.get("recordables") });

// Several values, and all

const two: { tau_m: number; model: string } = one.get(["tau_m", "model"]);
const twoOfThree: { tau_m: number[]; model: string[] } = three.get(["tau_m", "model"]);
const everything = three.get();
const fromAll: number[] = everything.V_th_adapt;
const { tau_m: fromOne, recordables } = one.get();
const wanted: string[] = ["tau_m"];
kernel.Create("multimeter", { record_from: recordables, interval: fromOne });
three.get(wanted);
one.get(wanted);
for (const name of ["tau_m", "V_m"] as const) void three.get(name).length;
for (const name of ["tau_m", "V_m"]) three.get(name);

// Names that are read

// @ts-expect-error: the nodes' model has no such value
one.get("tau_mem");
// @ts-expect-error: nor have several nodes
three.get("tau_mem");
// @ts-expect-error: nor as one of several names
three.get(["tau_m", "tau_mem"]);
// @ts-expect-error: it is none of all (it runs)
void everything.tau_mem;
// @ts-expect-error: adaptation belongs to another model
kernel.Create("eprop_iaf").get("adaptation");
// @ts-expect-error: neurons have no events
one.get("events");
// @ts-expect-error: a name is no number
one.get(1);
// @ts-expect-error: no model at all has such a value
kernel.GetNodes().get("tau_mem");

// Nodes of several models, and of models that are not known

const mixed = three.concat(kernel.Create("parrot_neuron", 2));
const adapting: number | (number | null)[] = mixed.get("adapt_tau");
const models: string | string[] = mixed.get("model");
const optional: number | (number | null)[] | undefined = mixed.get().adapt_tau;
const anyNodes: NodeCollection = three;
const anyTau: number | (number | null)[] = anyNodes.get("tau_m");
const anyOne: NodeCollection<NodeModelName, true> = one;
const anyModel: string = anyOne.get("model");
const anyValue: unknown = anyNodes.get()["tau_m"];
const found: number | number[] = kernel.GetNodes("eprop_iaf_adapt").get("tau_m");
const named = kernel.Create("eprop_iaf" as string, 2);
const ofNamed: (number | null)[] = named.get("tau_m");
// @ts-expect-error: none of both models has such a value
mixed.get("tau_mem");

// Events

kernel.Connect(meter, one);
const spikes = kernel.Create("spike_recorder");
const weights = kernel.Create("weight_recorder");
const recorders = kernel.Create("spike_recorder", 2);
const events: EventColumns = meter.get("events");
const spikeTimes: Float64Array = spikes.get("events").times;
const postsynaptic: Uint32Array = weights.get("events").targets;
const voltages: Float64Array = meter.get("events", "V_m");
const firing: Uint32Array = spikes.get("events", "senders");
const eachOf: Float64Array[] = recorders.get(["events"]).events.map((of) => of.times);
const rows: Uint32Array[] = kernel.GetStatus(recorders, "events").map((of) => of.senders);
const files: string[] = spikes.get("filenames");
const filesOfEach: string[][] = kernel.GetStatus(recorders, "filenames");
void kernel.events(spikes).senders.length;
void kernel.takeEvents(weights).weights.length;
// @ts-expect-error: a spike recorder records no targets (it runs)
void spikes.get("events").targets;
// @ts-expect-error: nor is there such a column
spikes.get("events", "targets");
// @ts-expect-error: events are those of one recorder
recorders.get("events");
// @ts-expect-error: only events have columns
spikes.get("model", "times");

// Nodes one by one

const status: number[] = kernel.GetStatus(three, "tau_m");
const statusOfOne: number[] = kernel.GetStatus(one, "tau_m");
const pairs: [number, string][] = kernel.GetStatus(three, ["tau_m", "model"]);
const wholeRows: number[] = kernel.GetStatus(three).map((row) => row.adapt_beta);
const mixedRows: (number | null)[] = kernel.GetStatus(mixed, "adapt_beta");
kernel.GetStatus(three, wanted);
// @ts-expect-error: the nodes' model has no such value
kernel.GetStatus(three, "tau_mem");
// @ts-expect-error: nor as one of several names
kernel.GetStatus(three, ["tau_m", "tau_mem"]);
// @ts-expect-error: nor have connections
kernel.GetStatus(kernel.GetConnections(), "tau_mem");

// Defaults

const tau: number = kernel.GetDefaults("eprop_iaf", "tau_m");
const several: [number, string] = kernel.GetDefaults("eprop_iaf", ["tau_m", "model"]);
const neuron: number = kernel.GetDefaults("eprop_iaf").tau_m;
const rate: number = kernel.GetDefaults("eprop_synapse").optimizer.eta;
const decay: number | undefined = kernel.GetDefaults("eprop_synapse", "optimizer").beta_1;
const delay: number = kernel.GetDefaults("static_synapse").delay;
const copied: number = kernel.GetDefaults(kernel.CopyModel("eprop_synapse", "plastic")).weight;
const ofVariable: unknown = kernel.GetDefaults("eprop_iaf" as string)["tau_m"];
kernel.GetDefaults("eprop_iaf" as string, "tau_m");
kernel.GetDefaults("eprop_iaf", wanted);
// @ts-expect-error: the model has no such default
kernel.GetDefaults("eprop_iaf", "tau_mem");
// @ts-expect-error: nor as one of several names
kernel.GetDefaults("eprop_iaf", ["tau_m", "tau_mem"]);
// @ts-expect-error: it is none of all (it runs)
void kernel.GetDefaults("eprop_iaf").adaptation;
// @ts-expect-error: only nodes have events
kernel.GetDefaults("multimeter", "events");

// Connections

kernel.Connect(three, three, "all_to_all", { synapse_model: "eprop_synapse" });
kernel.Connect(mixed.pick([3]), three);
const connections = kernel.GetConnections();
const plastic = kernel.GetConnections(null, null, "eprop_synapse");
const sources: Uint32Array = connections.get("source");
const receptors: Uint32Array = connections.get("receptor");
const weight: Float64Array = connections.get("weight");
const delays: Float64Array = plastic.get("delay");
const synapses: string[] = connections.get("synapse_model");
const threads: number[] = connections.get("target_thread");
const written: Uint32Array[] = connections.get("weight_recorder");
const moments: ({ m?: number; v?: number } | null)[] = connections.get("optimizer");
const ownMoments: { m?: number; v?: number }[] = plastic.get("optimizer");
const columns: { source: Uint32Array; weight: Float64Array } = connections.get(["source", "weight"]);
const allColumns: Float64Array = connections.get().weight;
const anyConnections: SynapseCollection = plastic.slice(0, 2);
const weightRows: [number, number][] = kernel.GetStatus(connections, ["source", "weight"]);
const targets: number[] = kernel.GetStatus(connections).map((row) => row.target);
connections.set({ weight: connections.get("weight") });
connections.get(["source", "optimizer"]).optimizer.at(-1);
anyConnections.get("optimizer");
connections.get(["source", "target"].slice(1));
// @ts-expect-error: no connection has such a value
connections.get("wieght");
// @ts-expect-error: nor as one of several names
connections.get(["source", "wieght"]);
// @ts-expect-error: connections of e-prop+ have no such value
plastic.get("tau_m_readout");
// @ts-expect-error: a static synapse has no optimizer
kernel.GetConnections(null, null, "static_synapse").get("optimizer");
// @ts-expect-error: weights are numbers in a typed array (it runs)
void (connections.get("weight") satisfies number[]);
