export type { SweepGrid, SweepPoint } from "./grid.js";
export type { SweepRow, SweepRun } from "./results.js";
export { type MeanInterval, meanInterval } from "./statistics.js";
export { type SweepOptions, type SweepResult, type SweepTaskOptions, sweep } from "./sweep.js";
