// Ranks of which one was asked to stop before a simulation, and before one of no time: run by test/mpi.test.ts, the
// package's address as its argument.
import process from "node:process";

const { Kernel, mpi } = await import(process.argv[2]);
const world = await mpi.connect();
const kernel = new Kernel({ world });
kernel.Create("parrot_neuron");
const asked = { signal: AbortSignal.abort(new Error("asked for")) };
const simulated = (ms) =>
  kernel.SimulateAsync(ms, world.rank === 1 ? asked : {}).then(
    () => "complete",
    (error) => error.message.split(" (")[0],
  );
const first = await simulated(10);
const second = await simulated(0);
await kernel.SimulateAsync(20);
const all = await world.gather({ first, second, time: kernel.get("biological_time") });
if (world.rank === 0) console.log(JSON.stringify(all));
await world.close();
