/** A process of its own for one measurement: takes a job as JSON, prints what it measured as JSON. */
import type { Job, Measurement, Settings } from "./case.js";

const { run, settings } = JSON.parse(process.argv[2] as string) as Job;
// Nothing is loaded that the measurement doesn't need: what loading takes is measured, too.
const { measure } = (await import(`./measure-${run.kind}.js`)) as {
  measure: (run: Job["run"], settings: Settings) => Promise<Measurement>;
};
process.stdout.write(`${JSON.stringify(await measure(run, settings))}\n`);
