export type { Metrics } from "./metrics.js";
export type { NetworkOptions, PlasticWeights } from "./network.js";
export type { Observer, SampledSpikes, SequenceSample } from "./sampler.js";
export {
  type Ending,
  type Iteration,
  type Phase,
  type TrainOptions,
  type TrainingResult,
  train,
  trainToEnd,
} from "./trainer.js";
