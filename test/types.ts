/** What must not compile; `npm run types` checks it, nothing runs it. */
import { Kernel } from "../ts/nest/index.js";

const kernel = new Kernel();
const neurons = kernel.Create("eprop_iaf_bsshslm_2020", 2, { tau_m: 10, regular_spike_arrival: true });

// @ts-expect-error: the model has no such parameter
kernel.Create("eprop_iaf_bsshslm_2020", 2, { tau_mem: 10 });
// @ts-expect-error: adaptation belongs to another model
kernel.Create("eprop_iaf_bsshslm_2020", 2, { adapt_beta: 1 });
// @ts-expect-error: a number is wanted
kernel.Create("eprop_iaf_bsshslm_2020", 2, { tau_m: "10" });
// @ts-expect-error: no such surrogate gradient
kernel.Create("eprop_iaf_bsshslm_2020", 2, { surrogate_gradient_function: "gaussian" });
// @ts-expect-error: no such loss
kernel.Create("eprop_readout_bsshslm_2020", 1, { loss: "hinge" });
// @ts-expect-error: the nodes' model has no such parameter
neurons.set({ C_n: 1 });
// @ts-expect-error: no model records that
kernel.Create("multimeter", 1, { record_from: ["V_x"] });
// @ts-expect-error: no such kernel parameter
kernel.set({ resolutoin: 1 });
// @ts-expect-error: no such rule
kernel.Connect(neurons, neurons, "one_to_all");
// @ts-expect-error: the rule needs a probability
kernel.Connect(neurons, neurons, { rule: "pairwise_bernoulli" });
// @ts-expect-error: no such optimizer
kernel.SetDefaults("eprop_synapse_bsshslm_2020", { optimizer: { type: "sgd" } });
