export type { Metrics } from "./metrics.js";
export type { NetworkOptions, PlasticWeights } from "./network.js";
export type { Observer, SampledSpikes, SequenceSample } from "./sampler.js";
export type { Ending, Phase } from "./schedule.js";
export {
  type CheckpointOptions,
  type Iteration,
  type ResumeOptions,
  type TrainOptions,
  Trainer,
  type TrainingResult,
  train,
  trainToEnd,
} from "./trainer.js";
