/** A task on a data set of one's own: a file of events that `np.savez` wrote, larger than memory if need be. */
import { NumpyRandom, tasks } from "eprop";
import { DataLoader, nextIteration, openEventArchive } from "eprop/data";

const [name, text] = ["events", "Recognize samples of events"];
const [inputs, neurons, readouts, steps] = [40, 100, 4, 100];
const eta = { default: 5e-3, unit: "", min: 0, max: 10, text: "Learning rate" };
const membrane = { C_m: 1, E_L: 0, V_m: 0, tau_m: 20 };
const params = { ...membrane, V_th: 0.6, t_ref: 2, c_reg: 300, f_target: 10 };

function create(options) {
  const defaults = { iterations: 100, batchSize: 64 };
  const { seed, batchSize, schedule } = tasks.commonOptions(name, options, defaults);
  const parameters = tasks.taskParameters(name, { eta }, options.parameters);
  const random = new NumpyRandom(seed);
  const layers = [{ model: "eprop_iaf_bsshslm_2020", n: neurons, params }];
  const loss = "cross_entropy";
  const readout = { model: "eprop_readout_bsshslm_2020", n: readouts, params: { ...membrane, loss } };
  const optimizer = { type: "adam", eta: parameters.eta, batch_size: batchSize };
  const sensor = { width: inputs, height: 1, polarities: 1 };
  const dataset = openEventArchive(options.data ?? "events.npz", { sensor, classes: readouts });
  const loader = new DataLoader(dataset, { batchSize, seed, last: "fill" });
  const shape = { steps, resolution: 1, readouts };
  const described = { name, text, seed, steps, batchSize, schedule, random, options, loss };
  return {
    ...described,
    network: tasks.layeredNetwork({ inputs, layers, readout, optimizer, averageGradient: true }, random),
    resolution: 1,
    learningWindow: steps,
    kind: "classification",
    sameEveryIteration: false,
    next: (_split, { training }, signal) => nextIteration(loader, training, shape, signal),
    close: () => loader.close(),
    parameters: { seed, batchSize, ...parameters },
  };
}

export default { name, text, parameters: { eta }, options: ["data"], create };
