// Kills trainings at random moments, resumes them and compares what they leave: npm run -s kill -- --runs 200
import { Command, Option } from "commander";
import { NumpyRandom } from "../../ts/index.js";
import { type KillSignal, killedRuns } from "./kill.js";

const { runs, seed, signal } = new Command()
  .option("--runs <n>", "how many trainings", Number, 200)
  .option("--seed <n>", "seed of the moments", Number, 1)
  .addOption(
    new Option("--signal <name>", "how they are ended").choices(["SIGKILL", "SIGTERM"]).default("SIGKILL"),
  )
  .parse()
  .opts<{ runs: number; seed: number; signal: KillSignal }>();
const random = new NumpyRandom(seed);
let [passed, kills, resumes] = [0, 0, 0];
for await (const run of killedRuns(runs, () => random.random(1)[0] as number, signal)) {
  kills += run.kills;
  resumes += run.resumes;
  if (run.same) passed += 1;
  else process.stdout.write(`${run.task}: not the same after ${run.kills} kills\n`);
}
process.stdout.write(`${kills} kills, ${resumes} resumptions\n${passed} passed, ${runs - passed} failed\n`);
process.exitCode = passed === runs ? 0 : 1;
