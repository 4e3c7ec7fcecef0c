import { given, path as filePath } from "../core/arguments.js";
import { RunFolder, type WriteReport, trainingResult } from "../runs/run-folder.js";
import type { TrainingResult } from "../training/result.js";

/** The report of a run that has just ended. The plotting libraries are loaded by those who plot. */
export const reportOfRun: WriteReport = async (folder, run, signal) => {
  const { writeReport } = await import("./write.js");
  await writeReport(folder, run, "light", signal);
};

/** Writes what a training leaves into a new run folder: metrics, weights, events, network, report and figures. */
export async function writeRunFolder(path: string, result: TrainingResult): Promise<void> {
  const [to, training] = [given("path", path, filePath), given("result", result, trainingResult)];
  const folder = new RunFolder(to);
  try {
    for (const iteration of training.iterations) folder.append(iteration);
    await folder.finish(training, { report: reportOfRun });
  } finally {
    folder.close();
  }
}
