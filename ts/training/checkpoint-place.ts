import { refuseUnwritable } from "../files/write-whole.js";
import type { CheckpointOptions } from "./options.js";
import type { Ranks } from "./ranks.js";

/**
 * Sees that a training can be saved where its options say, before anything is trained.
 *
 * @throws {@link NESTError} that says why it cannot be.
 */
export async function checkPlace(checkpoint: CheckpointOptions | undefined, ranks: Ranks): Promise<void> {
  if (checkpoint !== undefined) await ranks.atFirst("train", () => refuseUnwritable(checkpoint.path));
}
