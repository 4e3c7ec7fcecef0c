export type { Iteration } from "./iteration.js";
export type { Metrics } from "./metrics.js";
export type { NetworkOptions, PlasticWeights } from "./network.js";
export type { CheckpointOptions, ResumeOptions, TrainOptions } from "./options.js";
export type { TrainingResult } from "./result.js";
export type { Observer, SampledSpikes, SequenceSample } from "./sampler.js";
export type { Ending, Phase } from "./schedule.js";
export { train, trainToEnd } from "./train.js";
export { Trainer } from "./trainer.js";
