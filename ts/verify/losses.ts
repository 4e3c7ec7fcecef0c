/**
 * What the slow programs know of each loss (docs/losses.md), apart from the engine. A loss without an entry here is not
 * verified, and refused by name.
 */
import { refuse } from "../core/arguments.js";
import type { LossName } from "../nest/losses.js";

/** A loss of readouts in a step; of means, it is given means over the learning window up to the step. */
export interface LossForm {
  /** Whether it is of the means over the learning window, whose last step then counts for all of them. */
  ofMean: boolean;
  /** Readout signals of voltages. */
  signals(voltages: readonly number[]): readonly number[];
  /** The derivative of the value by the readout's own voltage. */
  error(signal: number, target: number): number;
  /** A readout's part of the loss. */
  value(signal: number, target: number): number;
  /** How NEST is told of it; left out where NEST has no such loss. */
  nest?: { softmax: boolean };
}

/** The softmax of voltages. */
function softmax(voltages: readonly number[]): number[] {
  const largest = Math.max(...voltages);
  const raised = voltages.map((voltage) => Math.exp(voltage - largest));
  const sum = raised.reduce((total, one) => total + one, 0);
  return raised.map((one) => one / sum);
}

const difference = (signal: number, target: number) => signal - target;

const crossEntropy = {
  signals: softmax,
  error: difference,
  value: (signal: number, target: number) => (target === 0 ? 0 : -target * Math.log(signal)),
};

const forms: Readonly<Partial<Record<LossName, LossForm>>> = {
  mean_squared_error: {
    ofMean: false,
    signals: (voltages) => voltages,
    error: difference,
    value: (signal, target) => 0.5 * (signal - target) ** 2,
    nest: { softmax: false },
  },
  cross_entropy: { ...crossEntropy, ofMean: false, nest: { softmax: true } },
  cross_entropy_of_mean: { ...crossEntropy, ofMean: true },
};

/**
 * What is known of a loss.
 *
 * @throws {@link NESTError} that names a loss of which nothing is.
 */
export function formOf(loss: LossName): LossForm {
  const form = forms[loss];
  if (form !== undefined) return form;
  return refuse("loss", loss, Object.keys(forms).join(", "), {
    code: "NotImplemented",
    message: `the loss ${loss} is not verified`,
  });
}
