import { cpus } from "node:os";
import type { TaskRun } from "./case.js";
import { type Choice, sequence } from "./cases.js";
import type { Contest, Simulator } from "./comparison.js";
import { scalingNetwork } from "./scaling-network.js";

const allThreads = cpus().length;

/** The tasks at their own size: iterations of a process, and trainings that eprop does in that time. */
const taskRows = ({ nMnist }: Choice) => [
  { task: "sine-waves", options: {}, iterations: 25, trainings: 20 },
  { task: "lemniscate", options: {}, iterations: 10, trainings: 20 },
  { task: "handwriting", options: {}, iterations: 8, trainings: 20 },
  {
    task: "evidence-accumulation",
    options: { validateEvery: 0, testIterations: 0 },
    iterations: 3,
    trainings: 10,
  },
  { task: "sine-waves-plus", options: {}, iterations: 20, trainings: 5 },
  {
    name: nMnist ? "n-mnist, a recording" : "moving digits, a recording",
    task: "n-mnist",
    options: { ...(nMnist ?? { synthetic: true }), groupSize: 20, testIterations: 0 },
    iterations: 4,
    trainings: 3,
    parts: 20,
  },
];

/** Against NEST, one thread each. */
function nestContests(choice: Choice): Contest[] {
  const { quick } = choice;
  const common = { simulator: "NEST", settings: { threads: 1 }, pairs: quick ? 1 : 5 } as const;
  const ofTasks = taskRows(choice).map(({ name, task, options, iterations, trainings, parts }): Contest => ({
    ...common,
    name: name ?? task,
    run: {
      kind: "task",
      task,
      options: { ...options, iterations: quick ? 2 : iterations },
      trainings: quick ? 1 : trainings,
      ...(parts !== undefined && { parts }),
    },
    tolerance: 1e-8,
  }));
  const sparse = (
    [
      ["interval", 1000, 4],
      ["interval", 5000, 3],
      ["event", 1000, 4],
      ["event", 2000, 3],
    ] as const
  ).map(([family, full, iterations]): Contest => {
    const neurons = quick ? full / 10 : full;
    return {
      ...common,
      name: `sparse, ${family === "event" ? "e-prop+" : "update intervals"}, ${neurons.toLocaleString("en-US")} neurons`,
      run: scalingNetwork(family, neurons, quick ? 2 : iterations),
      tolerance: 0,
    };
  });
  return [...ofTasks, ...sparse];
}

/** Against JAX, which takes all cores, in both precisions. */
function jaxContests({ quick }: Choice): Contest[] {
  const evidence: TaskRun = {
    kind: "task",
    task: "evidence-accumulation",
    options: {
      validateEvery: 0,
      testIterations: 0,
      iterations: quick ? 2 : 8,
      ...(quick && { batchSize: 4 }),
    },
    trainings: quick ? 1 : 5,
  };
  return (["f64", "f32"] as const).flatMap((precision) => {
    const common = {
      simulator: "JAX",
      settings: { threads: allThreads, precision },
      pairs: quick ? 1 : 5,
    } as const;
    const batch = quick ? 4 : 32;
    return [
      // In 32 bits, the first spike that differs parts two runs.
      {
        ...common,
        name: "evidence-accumulation",
        run: evidence,
        tolerance: precision === "f64" ? 1e-8 : 1e-2,
      },
      {
        ...common,
        name: `spoken digits, 256 neurons, batch ${batch}`,
        run: {
          kind: "network",
          family: "interval",
          ...sequence,
          neurons: 256,
          batch,
          repetitions: quick ? 1 : 6,
        },
        tolerance: 0,
      },
    ] satisfies Contest[];
  });
}

/** The contests with a simulator. */
export function contests(simulator: Simulator, choice: Choice): Contest[] {
  return simulator === "NEST" ? nestContests(choice) : jaxContests(choice);
}
