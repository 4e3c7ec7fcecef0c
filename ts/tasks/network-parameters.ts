/** Rows of parameter tables that say what neurons and optimizers are like, which all tasks have. */
import {
  type OptimizerParams,
  choices,
  optimizerDefaults,
  optimizers,
  ownOptimizerParams,
} from "../nest/models.generated.js";
import type { NumberParameter, ParameterNeeds, TaskParameterValues } from "./parameter.js";

/** A row of a parameter table. */
export function numberRow(
  value: number,
  unit: string,
  min: number,
  max: number,
  text: string,
  needs?: ParameterNeeds,
): NumberParameter {
  return { default: value, unit, min, max, text, ...(needs && { needs }) };
}

/** A row that counts something: its values are whole numbers. */
export function wholeRow(...row: Parameters<typeof numberRow>): NumberParameter {
  return { ...numberRow(...row), whole: true };
}

/** The same row with another default. */
export function withDefault<R extends { default: number }>(of: R, value: number): R {
  return { ...of, default: value };
}

/** Rows that tasks take as they are or with another default. */
export const neuronRows = {
  tau_m: numberRow(20, "ms", 0.1, 1e6, "Time constant of the neurons' membranes"),
  tau_m_out: numberRow(20, "ms", 0.1, 1e6, "Time constant of the readouts' membranes"),
  V_th: numberRow(0.6, "mV", 1e-6, 1e6, "Spike threshold"),
  t_ref: numberRow(5, "ms", 0, 1e6, "Refractory time"),
  adapt_beta: numberRow(
    1.7,
    "",
    0,
    1000,
    "Strength of the adaptation, before it is scaled by both time constants",
  ),
  n_rec: wholeRow(100, "neurons", 1, 100_000, "Recurrent neurons"),
} as const;

/** Height and width of the surrogate gradients of tasks whose threshold sets their scale. */
const scaled = {
  height: ({ V_th }: Readonly<Record<string, unknown>>) => 0.3 / (V_th as number),
  width: ({ V_th }: Readonly<Record<string, unknown>>) => V_th as number,
};

/**
 * Rows of surrogate gradients.
 *
 * @param V_th The default of the threshold that their scale follows; or their height and width.
 */
export function surrogateParameters(of: { V_th: number } | { height: number; width: number }) {
  const follows = "V_th" in of;
  const { height, width } = follows ? { height: 0.3 / of.V_th, width: of.V_th } : of;
  return {
    surrogate_gradient_function: {
      default: "piecewise_linear",
      choices: choices.surrogate_gradient_function,
      text: "Shape of the surrogate gradient",
    },
    surrogate_gradient_height: {
      ...numberRow(
        height,
        "",
        1e-9,
        1e6,
        `Height of the surrogate gradient${follows ? "; 0.3 / V_th if not given" : ""}`,
      ),
      ...(follows && { follows: scaled.height }),
    },
    surrogate_gradient_width: {
      ...numberRow(
        width,
        "",
        1e-9,
        1e6,
        `Width of the surrogate gradient${follows ? "; V_th if not given" : ""}`,
      ),
      ...(follows && { follows: scaled.width }),
    },
  } as const;
}

/** Values of {@link surrogateParameters}. */
export type SurrogateValues = TaskParameterValues<ReturnType<typeof surrogateParameters>>;

/** What these values are called as parameters of neurons. */
export function surrogateOf(values: SurrogateValues) {
  const { surrogate_gradient_function, surrogate_gradient_height, surrogate_gradient_width } = values;
  return { surrogate_gradient_function, surrogate_gradient_height, surrogate_gradient_width };
}

/** Name of an optimizer. */
type OptimizerName = keyof typeof optimizers;

const optimizerNames = Object.keys(optimizers) as OptimizerName[];

/** Limits of a row, by what the engine takes. */
const limits = {
  finite: [-1e12, 1e12],
  "> 0": [1e-12, 1e6],
  "≥ 0": [0, 1e6],
  "from [0, 1]": [0, 1],
  "from [0, 1)": [0, 0.999_999_999],
  "from [1, 1e15]": [1, 1e9],
} as const;

/** Names of the parameters that some optimizers have and others have not. */
type OwnName = keyof typeof ownOptimizerParams;

/** Those as the engine's table has them. */
const ofEngine: Readonly<
  Record<
    OwnName,
    {
      kind: "number" | "integer";
      unit: string;
      default: number;
      bound: keyof typeof limits;
      text: string;
    }
  >
> = ownOptimizerParams;

/** Defaults that are those of the tutorials and not of the engine. */
const ofTutorials: Partial<Record<OwnName, number>> = { epsilon: 1e-8 };

/** The row of a parameter that some optimizers have. */
function ownRow(name: OwnName): NumberParameter {
  const { kind, unit, default: value, bound, text } = ofEngine[name];
  const having = optimizerNames.filter((type) => optimizers[type].parameters.some((own) => own === name));
  const row = kind === "integer" ? wholeRow : numberRow;
  const [min, max] = limits[bound];
  return row(ofTutorials[name] ?? value, unit, min, max, text, { optimizer: having });
}

const ownRows = Object.fromEntries(
  (Object.keys(ownOptimizerParams) as OwnName[]).map((name) => [name, ownRow(name)]),
) as Readonly<Record<OwnName, NumberParameter>>;

/** Rows of optimizers; their type, and `epsilon`, are those of the tutorials. */
export function optimizerParameters(type: OptimizerName) {
  const { Wmin, Wmax } = optimizerDefaults;
  return {
    optimizer: { default: type, choices: optimizerNames, text: "How weights follow gradients" },
    ...ownRows,
    Wmin: numberRow(Wmin, "", -1e12, 1e12, "Lower bound of all weights"),
    Wmax: numberRow(Wmax, "", -1e12, 1e12, "Upper bound of all weights"),
  } as const;
}

/** Values of {@link optimizerParameters}. */
export type OptimizerValues = TaskParameterValues<ReturnType<typeof optimizerParameters>>;

/**
 * The optimizer of these values: one that remembers no moments is called once for each update, as the tutorials have it.
 *
 * @param batchSize Update intervals, or with e-prop+ spikes, of a step.
 */
export function optimizerOf(values: OptimizerValues, eta: number, batchSize: number): OptimizerParams {
  const { optimizer: type, Wmin, Wmax } = values;
  const { hasMoments, parameters } = optimizers[type];
  return {
    type,
    batch_size: batchSize,
    eta,
    Wmin,
    Wmax,
    ...(!hasMoments && { optimize_each_step: false }),
    ...Object.fromEntries(parameters.map((name) => [name, values[name]])),
  };
}
