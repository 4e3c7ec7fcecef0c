/** A user's program: it must type-check against the installed package, and run. */
import { Kernel, NESTError, tasks, train, type Task } from "eprop";
import * as nest from "eprop/nest";

const task: Task = tasks.sineWaves({ iterations: 1 });
let loss = Number.NaN;
for await (const iteration of train(task)) loss = iteration.loss;

const kernel = new Kernel();
const neurons: nest.NodeCollection<"eprop_iaf_bsshslm_2020", false> = kernel.Create(
  "eprop_iaf_bsshslm_2020",
  3,
  { tau_m: [10, 20, 30] },
);
const tau: number[] = neurons.get("tau_m");

let code = "";
try {
  nest.Create("eprop_iaf_bsshslm_2020", 1, { C_m: -1 });
} catch (error) {
  if (error instanceof NESTError) ({ code } = error);
}
// @ts-expect-error: the model has no such parameter
if (process.argv.length > 99) nest.Create("eprop_iaf_bsshslm_2020", 1, { tau_mem: 10 });

// @ts-expect-error: nor can it be read
if (process.argv.length > 99) neurons.get("tau_mem");

console.log(JSON.stringify({ loss, tau, code }));
