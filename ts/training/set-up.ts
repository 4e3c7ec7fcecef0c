import type { BestWeights } from "./best-weights.js";
import type { InputsAhead } from "./inputs-ahead.js";
import type { PlasticWeights, TaskNetwork } from "./network.js";
import type { Recorders } from "./recorders.js";
import type { WeightCourses } from "./weight-courses.js";

/** What is made before a training begins. */
export interface SetUp {
  network: TaskNetwork;
  recorders: Recorders;
  courses: WeightCourses | undefined;
  inputs: InputsAhead;
  best: BestWeights;
  /** The weights that the training begins with. */
  before: PlasticWeights;
}
