/** Trainings that go on from a checkpoint. */
import { Trainer, type tasks } from "../ts/index.js";

/**
 * A training that was saved after some iterations and goes on from that file to its end. It is to be closed.
 *
 * @param task Makes the task, which is the same each time.
 */
export async function resumedAfter(
  iterations: number,
  path: string,
  task: () => tasks.Task,
  options: ConstructorParameters<typeof Trainer>[1] = {},
): Promise<Trainer> {
  const trainer = new Trainer(task(), options);
  for (let count = 0; count < iterations; count++) await trainer.next();
  await trainer.save(path);
  await trainer.close();
  const resumed = await Trainer.resume(path, { task: task() });
  for await (const _ of resumed);
  return resumed;
}
