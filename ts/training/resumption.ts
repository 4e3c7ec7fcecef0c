/** What a training goes on with: what was saved, and the options that hold from there. */
import { given, path as filePath } from "../core/arguments.js";
import { moduleDigest } from "../tasks/module-digest.js";
import { type Checkpoint, readCheckpoint } from "./checkpoint.js";
import { type Resumption, type TrainOptions, resumeOptions } from "./options.js";

/**
 * Reads what was saved in a file.
 *
 * @throws {@link NESTError} that says what is wrong with it, or that the task's data or module have changed.
 */
export async function resumption(
  path: string,
  asked: Resumption,
): Promise<{ file: string; saved: Checkpoint; options: TrainOptions }> {
  const file = given("path", path, filePath);
  const { task, force, iterations, ...rest } = given("options", asked, resumeOptions) as Resumption;
  const saved = await readCheckpoint(file, {
    ...(task !== undefined && { task }),
    ...(force !== undefined && { force }),
    ...(iterations !== undefined && { iterations }),
    ...(rest.module !== undefined && { module: moduleDigest(rest.module) }),
  });
  const { every, atEnd, ...before } = saved.options;
  const kept = { path: file, ...(every !== undefined && every > 0 && { every }), ...(atEnd && { atEnd }) };
  const saves = every !== undefined || rest.checkpoint !== undefined;
  const checkpoint = saves ? { checkpoint: { ...kept, ...rest.checkpoint } } : {};
  return { file, saved, options: { ...before, ...rest, ...checkpoint } };
}
