/** What must compile and what must not: `npm run types` checks it, `test/types-run.test.ts` runs it. */
import { tasks } from "../ts/index.js";
import {
  CollocatedSynapses,
  Kernel,
  type CopiedModel,
  type NodeCollection,
  logic,
  math,
  random,
  VerbosityLevel,
} from "../ts/nest/index.js";
import { Network } from "../ts/network/index.js";

const kernel = new Kernel();
kernel.set({ resolution: 1 });
const neurons = kernel.Create("eprop_iaf_bsshslm_2020", 2, { tau_m: 10, regular_spike_arrival: true });

// Names of models

// @ts-expect-error: no such node model
kernel.Create("eprop_iaf_bsshslm", 2);
// @ts-expect-error: a synapse model makes no nodes
kernel.Create("eprop_synapse", 2);
// @ts-expect-error: no such model
kernel.SetDefaults("eprop_synapse_bsshslm", {});
// @ts-expect-error: no such model
kernel.GetDefaults("iaf_psc_alpha");
// @ts-expect-error: no such model (it runs)
kernel.GetNodes("eprop_iaf_adaptive");
// @ts-expect-error: no such synapse model
kernel.Connect(neurons, neurons, "all_to_all", { synapse_model: "stdp_synapse" });
// @ts-expect-error: a node model is no synapse model
kernel.GetConnections(neurons, neurons, "eprop_iaf");

// Names of parameters

// @ts-expect-error: the model has no such parameter
kernel.Create("eprop_iaf_bsshslm_2020", 2, { tau_mem: 10 });
// @ts-expect-error: adaptation belongs to another model
kernel.Create("eprop_iaf_bsshslm_2020", 2, { adapt_beta: 1 });
// @ts-expect-error: nor has the second dictionary's model such a parameter
kernel.Create("eprop_iaf_bsshslm_2020", 2, [{ tau_m: 10 }, { tau_mem: 10 }]);
// @ts-expect-error: a value that may be read only
kernel.Create("eprop_iaf_bsshslm_2020", 2, { learning_signal: 1 });
// @ts-expect-error: the nodes' model has no such parameter
neurons.set({ C_n: 1 });
// @ts-expect-error: the nodes' model has no such parameter
kernel.SetStatus(neurons, { kappa: 0.9 });
// @ts-expect-error: no such kernel parameter
kernel.set({ resolutoin: 1 });
// @ts-expect-error: no such kernel parameter
kernel.get("resolutoin");
// @ts-expect-error: synapses of e-prop+ have no such parameter
kernel.SetDefaults("eprop_synapse", { average_gradient: true });
// @ts-expect-error: the optimizer has no such parameter
kernel.SetDefaults("eprop_synapse", { optimizer: { momentum: 0.9 } });
// @ts-expect-error: a synapse has no such property
kernel.Connect(neurons, neurons, "all_to_all", { wieght: 1 });
// @ts-expect-error: the task has no such parameter
tasks.sineWaves({ parameters: { adapt_tau: 100 } });

// Values

// @ts-expect-error: a number is wanted
kernel.Create("eprop_iaf_bsshslm_2020", 2, { tau_m: "10" });
// @ts-expect-error: a truth value is wanted
kernel.Create("eprop_iaf_bsshslm_2020", 2, { regular_spike_arrival: 1 });
// @ts-expect-error: no such surrogate gradient
kernel.Create("eprop_iaf_bsshslm_2020", 2, { surrogate_gradient_function: "gaussian" });
// @ts-expect-error: no such loss
kernel.Create("eprop_readout_bsshslm_2020", 1, { loss: "hinge" });
// @ts-expect-error: times are numbers
kernel.Create("spike_generator", 1, { spike_times: ["1.0"] });
// @ts-expect-error: a number of nodes is wanted
kernel.Create("parrot_neuron", "2");
// @ts-expect-error: no such optimizer
kernel.SetDefaults("eprop_synapse_bsshslm_2020", { optimizer: { type: "sgd" } });
// @ts-expect-error: no such rule
kernel.Connect(neurons, neurons, "one_to_all");
// @ts-expect-error: the rule needs a probability
kernel.Connect(neurons, neurons, { rule: "pairwise_bernoulli" });
// @ts-expect-error: a synapse is wanted
kernel.Connect(neurons, neurons, "all_to_all", 42);
// @ts-expect-error: a time is wanted
kernel.Simulate("100");

// Recordables

kernel.Create("multimeter", 1, { record_from: ["V_m", "learning_signal", "readout_signal"] });
// @ts-expect-error: no model records that (it runs)
kernel.Create("multimeter", 1, { record_from: ["V_x"] });
// @ts-expect-error: a list is wanted (it runs)
kernel.Create("multimeter", 1, { record_from: "V_m" });

// Copied models carry the name of what they were copied from

const copied: CopiedModel<"eprop_iaf"> = kernel.CopyModel("eprop_iaf", "mine", { tau_m: 20 });
const nodes: NodeCollection<"eprop_iaf"> = kernel.Create(copied, 2, { kappa: 0.9 });
kernel.SetDefaults(kernel.CopyModel(copied, "mine, too"), { kappa: 0.8 });
const plastic = kernel.CopyModel("eprop_synapse", "plastic", { optimizer: { eta: 1e-3 } });
kernel.Connect(nodes, nodes, "all_to_all", { synapse_model: plastic });
// @ts-expect-error: the original has no such parameter
kernel.CopyModel("eprop_iaf", "mine", { tau_mem: 20 });
// @ts-expect-error: nor has the copy
kernel.Create(copied, 2, { tau_mem: 10 });
// @ts-expect-error: a copied node model is no synapse model
kernel.Connect(nodes, nodes, "all_to_all", { synapse_model: copied });
// @ts-expect-error: a copied synapse model makes no nodes
kernel.Create(plastic, 2);
// @ts-expect-error: any text is no copied model (it runs)
kernel.Create("mine", 2);

// What may be a list, and what may not

kernel.Create("eprop_iaf", 2, { tau_m: [1, 2] });
kernel.Connect(neurons, neurons, "one_to_one", { weight: [1, 2], delay: [1, 2] });
kernel.Connect(neurons, neurons, "all_to_all", { weight: [[1, 2], [3, 4]] }); // prettier-ignore
// @ts-expect-error: a default is one value
kernel.SetDefaults("eprop_iaf", { tau_m: [1, 2] });
// @ts-expect-error: a default is one value
kernel.SetDefaults("static_synapse", { weight: [1, 2] });
// @ts-expect-error: so is that of a copy
kernel.CopyModel("eprop_iaf", "mine", { tau_m: [1, 2] });
// @ts-expect-error: nothing is drawn for a default
kernel.SetDefaults("eprop_iaf", { tau_m: random.normal() });
// @ts-expect-error: an optimizer's parameters are single values
kernel.SetDefaults("eprop_synapse", { optimizer: { batch_size: [1, 2] } });
// @ts-expect-error: a node's own dictionary has single values
kernel.Create("eprop_iaf", 2, [{ tau_m: [1, 2] }, {}]);
// @ts-expect-error: all_to_all takes a matrix, and no list
kernel.Connect(neurons, neurons, "all_to_all", { weight: [1, 2] });
// @ts-expect-error: all_to_all takes one delay
kernel.Connect(neurons, neurons, { rule: "all_to_all" }, { delay: [1, 2] });
// @ts-expect-error: one_to_one takes a list, and no matrix
kernel.Connect(neurons, neurons, "one_to_one", { weight: [[1, 2]] });

// Random numbers, what is computed of them, and several synapses for each pair

kernel.Create("eprop_iaf", 2, { V_m: math.add(math.multiply(2, random.uniform()), random.normal()) });
kernel.Connect(neurons, neurons, "all_to_all", { weight: math.redraw(random.normal(), -1, 1) });
kernel.Connect(neurons, neurons, { rule: "fixed_indegree", indegree: 1 }, { delay: math.exp(1) });
kernel.Create("eprop_iaf", { tau_m: logic.conditional(logic.less(random.uniform(), 0.5), 10, 20) });
kernel.Connect(nodes, nodes, "one_to_one", CollocatedSynapses({ weight: 1 }, "static_synapse"));
// @ts-expect-error: a text is no number
kernel.Create("eprop_iaf", 2, { V_m: math.add("2", random.uniform()) });
// @ts-expect-error: bounds are numbers
kernel.Create("eprop_iaf", 2, { V_m: math.redraw(random.uniform(), random.uniform(), 1) });
// @ts-expect-error: a synapse has no such property
kernel.Connect(nodes, nodes, "one_to_one", CollocatedSynapses({ weight: 1 }, { wieght: 2 }));
// @ts-expect-error: no such distribution
kernel.Create("eprop_iaf", 2, { V_m: { distribution: "cauchy", first: 0, second: 1 } });

// Probabilities and degrees that are drawn, receptors of each connection

kernel.Connect(nodes, nodes, { rule: "fixed_indegree", indegree: random.uniform_int(2) });
kernel.Connect(nodes, nodes, { rule: "pairwise_bernoulli", p: random.uniform() });
kernel.Connect(nodes, nodes, "one_to_one", { receptor_type: [0, 0] });
kernel.Connect(nodes, nodes, "all_to_all", { receptor_type: [[0, 0], [0, 0]] }); // prettier-ignore
// @ts-expect-error: the number of connections is one number
kernel.Connect(nodes, nodes, { rule: "fixed_total_number", N: random.uniform_int(2) });
// @ts-expect-error: all_to_all takes a matrix, and no list
kernel.Connect(nodes, nodes, "all_to_all", { receptor_type: [0, 0, 0, 0] });

// Generators of currents

kernel.Create("dc_generator", { amplitude: 2, start: 1 });
kernel.Create("step_current_generator", { amplitude_times: [1, 2], amplitude_values: [1, -1] });
kernel.Create("inhomogeneous_poisson_generator", { rate_times: [1], rate_values: [10] });
// @ts-expect-error: that of another generator
kernel.Create("dc_generator", { amplitude_times: [1] });

// Parameters in place of a number of nodes

kernel.Create("multimeter", { record_from: ["V_m"], interval: 1 });
// @ts-expect-error: the model has no such parameter
kernel.Create("multimeter", { record_form: ["V_m"] });
// @ts-expect-error: no list for one node
kernel.Create("eprop_iaf", { tau_m: [1, 2] });
kernel.Create("eprop_iaf", { tau_m: [1] });
// @ts-expect-error: a list of numbers is no list of parameters
kernel.Create("eprop_iaf", 3, [1, 2, 3]);

// A text in a variable is any text, and checked when the call is made

const readout = { loss: "cross_entropy", tau_m: 20 };
const readouts = kernel.Create("eprop_readout_bsshslm_2020", 2, readout);
kernel.Create("eprop_readout_bsshslm_2020", readout);
readouts.set(readout);
kernel.SetStatus(readouts, readout);
kernel.SetDefaults("eprop_readout_bsshslm_2020", readout);
const optimizer = { optimizer: { type: "adam", eta: 1e-3 } };
kernel.SetDefaults("eprop_synapse", optimizer);
const rule = { rule: "all_to_all" };
const synapse = { synapse_model: "static_synapse", weight: 1 };
kernel.Connect(nodes, nodes, rule, synapse);
const meter = { record_from: ["V_m"] };
kernel.Create("multimeter", 1, meter);
const gradient = { gradient: "forward" };
kernel.set(gradient);
const misspelt = { tau_mem: 20 };
// @ts-expect-error: its names are checked all the same
kernel.Create("eprop_iaf", 1, misspelt);

// What a person writes down once and spreads into several calls

const plasticSynapse = { synapse_model: "eprop_synapse", delay: 1 };
kernel.Connect(
  nodes,
  nodes,
  { rule: "all_to_all", allow_autapses: false },
  { ...plasticSynapse, weight: 0.1 },
);
kernel.SetDefaults("eprop_synapse", { ...optimizer, weight_recorder: kernel.Create("weight_recorder") });
kernel.Create("multimeter", { ...meter, start: 4 });

// A name in a variable is any text, too; what is written down must be one of those there are

for (const model of ["eprop_iaf", "eprop_iaf_adapt"]) kernel.Create(model, 1);
const layer = { model: "eprop_iaf", n: 3, params: { tau_m: 3 }, key: "tau_m", synapse: "static_synapse" };
const made = kernel.Create(layer.model, layer.n, layer.params);
kernel.Create(layer.model, layer.params);
kernel.Create(kernel.CopyModel(layer.model, "of a variable", layer.params), 2);
kernel.SetDefaults(layer.model, layer.params);
kernel.SetDefaults(layer.model, layer.key, 3);
kernel.SetDefaults("eprop_iaf", layer.key, 3);
kernel.GetDefaults(layer.model);
kernel.GetConnections(made, made, layer.synapse);
kernel.GetNodes({ model: layer.model, tau_m: 3 });
kernel.GetNodes(layer.model);
kernel.SetStatus(made, layer.key, 3);
for (const name of ["resolution", "rng_seed"]) kernel.get(name);
for (const name of ["resolution", "rng_seed"]) kernel.GetKernelStatus([name, "min_delay"]);
// @ts-expect-error: no such model to copy
kernel.CopyModel("eprop_iaf_adaptive", "adaptive");
// @ts-expect-error: no such model (it runs)
kernel.GetNodes({ model: "eprop_iaf_adaptive" });
// @ts-expect-error: no such kernel value
kernel.GetKernelStatus(["rng_sed"]);
// @ts-expect-error: no such parameter
kernel.SetDefaults("eprop_iaf", "tau_mem", 3);
// @ts-expect-error: a text is no name of a parameter's value
kernel.SetStatus(kernel.Create("eprop_iaf"), "tau_m", "3");

// Kernel values without effect

kernel.set({ verbosity: VerbosityLevel.WARNING });
// @ts-expect-error: a level is no name
kernel.set({ verbosity: "M_WARNING" });
// @ts-expect-error: no such level
kernel.set({ verbosity: 33 });

// Spikes in every list of numbers, and in nothing else that has a length

const used = new Kernel();
used.Create("eprop_iaf_bsshslm_2020", 1);
const network = Network.of(used);
network.infer({ times: [], senders: new Uint8Array() }, 1);
network.infer({ times: new Float32Array(), senders: new Int16Array() }, 1);
// @ts-expect-error: a list of numbers is wanted
network.infer({ times: { length: 0 }, senders: [] }, 1);
// @ts-expect-error: texts are no times
network.infer({ times: "", senders: [] }, 1);
// @ts-expect-error: numbers of 64 bits are no times
network.infer({ times: new BigInt64Array(), senders: [] }, 1);

// Values of connections

const connections = kernel.GetConnections(nodes, nodes, "eprop_synapse").slice(0, 2);
connections.set({ weight: [1, 2] });
kernel.SetStatus(connections, "weight", [1, 2]);
kernel.SetStatus(nodes, "V_m", [-60, -61]);
kernel.SetDefaults("eprop_iaf", "tau_m", 12);
// @ts-expect-error: the nodes' model has no such parameter
kernel.SetStatus(nodes, "V", 1);
// @ts-expect-error: a number is wanted
kernel.SetDefaults("eprop_iaf", "tau_m", "12");
connections.set([{ weight: 1, optimizer: { m: 0, v: 0 } }, { optimizer: { m: 0 } }]);
// @ts-expect-error: a connection's own dictionary has single values
connections.set([{ weight: [1, 2] }]);
// @ts-expect-error: a connection has no such value
connections.set([{ wieght: 1 }]);
// @ts-expect-error: the learning rate is common to all synapses of a model
connections.set({ optimizer: { eta: 0.1 } });
