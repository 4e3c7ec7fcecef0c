import { nestError } from "../core/errors.js";
import { type NodeParams, dynamics } from "../nest/models.generated.js";
import { NumpyRandom } from "../random/index.js";
import { regressionWeights, superposedSines } from "./sine-waves.js";
import { noise, regressionOver, sameIteration } from "./inputs.js";
import { learningRateParameters, withLearningRate } from "./learning-rate.js";
import {
  neuronRows,
  optimizerOf,
  optimizerParameters,
  numberRow,
  surrogateOf,
  surrogateParameters,
  withDefault,
} from "./network-parameters.js";
import { ownOptions, checkBatch, commonOptions, taskParameters } from "./options.js";
import type { RecurrentModel, PoolDescription } from "./network-description.js";
import type { Task, TaskOptions } from "./task.js";
import { timesFloat32 } from "./weights.js";

/** The task's parameter table. */
export const sineWavesPlusParameters = {
  eta: {
    default: 1e-4,
    unit: "",
    min: 0,
    max: 10,
    text: "Learning rate before it is scaled by (1 - kappa)^2",
  },
  kappa: { default: 0.97, unit: "", min: 0, max: 0.999999, text: "Decay of the eligibility trace in a step" },
  cutoff: {
    default: 100,
    unit: "ms",
    min: 0,
    max: 1e9,
    text: "Longest part of an interspike interval that counts",
  },
  f_target: { default: 10, unit: "spikes/s", min: 0, max: 1000, text: "Target firing rate" },
  c_reg: numberRow(
    300,
    "",
    0,
    1e9,
    "Coefficient of firing-rate regularization, before scaling; 2 if not given with hard resets",
  ),
  n_rec: neuronRows.n_rec,
  tau_m: { default: 30, unit: "ms", min: 0.1, max: 1e6, text: "Time constant of all membranes" },
  tau_m_out: {
    ...numberRow(30, "ms", 0.1, 1e6, "Time constant of the readout's membrane; tau_m if not given"),
    follows: ({ tau_m }: Readonly<Record<string, unknown>>) => tau_m as number,
  },
  V_th: numberRow(0.03, "mV", 1e-6, 1e6, "Spike threshold; 0.5 if not given with hard resets"),
  t_ref: withDefault(neuronRows.t_ref, 0),
  ...surrogateParameters({ height: 10, width: 1 / 33.3 }),
  ...optimizerParameters("gradient_descent"),
  ...learningRateParameters,
} as const;

const steps = 1000;
const inputs = 100;

/** Models of neurons that the task can be done with. */
export const sineWavesPlusModels = [
  "eprop_iaf",
  "eprop_iaf_adapt",
  "eprop_iaf_psc_delta",
  "eprop_iaf_psc_delta_adapt",
] as const satisfies readonly RecurrentModel[];

/** Weights as the tutorial of each kind of reset scales them. */
function scaledWeights(
  drawn: PoolDescription["weights"],
  { scale, scaled, hardReset }: { scale: number; scaled: boolean; hardReset: boolean },
): PoolDescription["weights"] {
  return {
    in_rec: scaled ? timesFloat32(drawn.in_rec, scale) : drawn.in_rec,
    rec_rec: scaled ? timesFloat32(drawn.rec_rec, scale) : drawn.rec_rec,
    rec_out: timesFloat32(drawn.rec_out, scale),
    out_rec: scaled
      ? timesFloat32(drawn.out_rec, scale)
      : hardReset
        ? {
            data: drawn.out_rec.data.map((weight) => Math.fround(weight / Math.fround(scale))),
            shape: drawn.out_rec.shape,
          }
        : drawn.out_rec,
  };
}

/** The sine-wave task with e-prop+: weights change with every spike. */
export function sineWavesPlus(
  asked: TaskOptions<typeof sineWavesPlusParameters> = {},
): Task<PoolDescription> {
  const options = ownOptions(asked);
  const name = "sine-waves-plus";
  const { seed, batchSize, schedule } = commonOptions(name, options, { iterations: 200, batchSize: 1 });
  const table = taskParameters(name, sineWavesPlusParameters, options.parameters);
  const model = sineWavesPlusModels.find((known) => known === (options.model ?? "eprop_iaf"));
  if (model === undefined) {
    throw nestError({
      code: "UnknownModelName",
      message: `the task ${name} has no such model of neurons`,
      parameter: "model",
      value: String(options.model),
      bound: `one of ${sineWavesPlusModels.join(", ")}`,
    });
  }
  checkBatch(name, batchSize, { steps, inputs, rate: 0.05, readouts: 1 });
  const hardReset = dynamics[model].reset === "hard";
  // What is not given is as in the tutorial of each kind of reset.
  const given = options.parameters ?? {};
  const parameters = {
    ...table,
    ...(hardReset && { c_reg: given.c_reg ?? 2, V_th: given.V_th ?? 0.5 }),
  };
  const { kappa } = parameters;
  const neurons = parameters.n_rec;
  const scale = 1 - kappa;
  const random = new NumpyRandom(seed);
  const drawn = regressionWeights(random, { in: inputs, rec: neurons, out: 1 });
  const scaled = model === "eprop_iaf";
  const weights = scaledWeights(drawn, { scale, scaled, hardReset });
  const spikes = noise(random, steps, inputs, 0.05);
  const target = superposedSines(random);
  const next = sameIteration(spikes, [target], batchSize, inputs);
  const params: NodeParams["eprop_iaf_psc_delta_adapt"] = {
    C_m: 1,
    c_reg: hardReset ? parameters.c_reg / 1000 / scale ** 2 : parameters.c_reg / 1000,
    E_L: 0,
    eprop_isi_trace_cutoff: parameters.cutoff,
    f_target: parameters.f_target,
    I_e: 0,
    kappa,
    kappa_reg: kappa,
    ...surrogateOf(parameters),
    t_ref: parameters.t_ref,
    tau_m: parameters.tau_m,
    V_m: 0,
    V_th: parameters.V_th,
    ...(hardReset && { V_reset: -0.5 }),
    ...(dynamics[model].adapts && { adapt_beta: 0 }),
  };
  return {
    name,
    text: "Generate a superposition of four sine waves; weights change with every spike",
    seed,
    ...regressionOver(steps, batchSize),
    network: {
      inputs,
      recurrent: [{ model, n: neurons, params }],
      readout: {
        model: "eprop_readout",
        n: 1,
        params: {
          C_m: 1,
          E_L: 0,
          eprop_isi_trace_cutoff: parameters.cutoff,
          I_e: 0,
          tau_m: parameters.tau_m_out,
          V_m: 0,
        },
      },
      weights,
      optimizer: optimizerOf(parameters, parameters.eta * scale ** 2, 1),
      averageGradient: false,
    },
    ...withLearningRate(parameters),
    schedule,
    sameEveryIteration: true,
    next,
    parameters: { seed, batchSize, model, ...parameters },
    options,
    random,
  };
}
