import { losses } from "./models.generated.js";

export { losses };

/** Name of what readouts learn to make small. */
export type LossName = keyof typeof losses;

/** All losses, the default first. */
export const lossNames = Object.keys(losses) as LossName[];

/** The loss of readouts that do not say theirs. */
export const defaultLoss = lossNames[0] as LossName;

/** What is known of the loss of that name, or of the default one where there is none. */
export function lossOf(name: string): (typeof losses)[LossName] {
  return losses[Object.hasOwn(losses, name) ? (name as LossName) : defaultLoss];
}
