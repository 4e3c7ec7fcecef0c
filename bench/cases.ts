import { cpus } from "node:os";
import type { Case, NetworkRun, Precision, Settings, TaskRun } from "./case.js";

/** What the command line chooses. */
export interface Choice {
  /** Small sizes that show that everything runs. */
  quick: boolean;
  settings: Omit<Settings, "threads">;
  /** Folder of N-MNIST recordings, and a file of pixels to leave out. */
  nMnist?: { data: string; blocklist?: string };
}

const allThreads = cpus().length;

interface TaskRow {
  name: string;
  task: string;
  options: Record<string, unknown>;
  iterations: number;
  /** Iterations of the forward gradient; not where it has no meaning. */
  forward?: number;
  parts?: number;
}

/** The tutorials at their own size. */
const taskRows = ({ nMnist }: Choice): TaskRow[] => [
  { name: "sine-waves", task: "sine-waves", options: {}, iterations: 200, forward: 4 },
  { name: "lemniscate", task: "lemniscate", options: {}, iterations: 60, forward: 3 },
  { name: "handwriting", task: "handwriting", options: {}, iterations: 60, forward: 3 },
  {
    name: "evidence-accumulation",
    task: "evidence-accumulation",
    options: { validateEvery: 0, testIterations: 0 },
    iterations: 20,
    forward: 2,
  },
  { name: "sine-waves-plus", task: "sine-waves-plus", options: {}, iterations: 60 },
  {
    name: "moving digits",
    task: "n-mnist",
    options: { synthetic: true, groupSize: 20, testIterations: 0 },
    iterations: 8,
    parts: 20,
  },
  ...(nMnist
    ? [
        {
          name: "n-mnist",
          task: "n-mnist",
          options: { ...nMnist, groupSize: 20, testIterations: 0 },
          iterations: 8,
          parts: 20,
        },
      ]
    : []),
];

function taskCases(choice: Choice): Case[] {
  return taskRows(choice).flatMap(({ name, task, options, iterations, forward, parts }) => {
    const run = (count: number): TaskRun => ({
      kind: "task",
      task,
      options: { ...options, iterations: count },
      ...(parts !== undefined && { parts }),
    });
    return [1, allThreads].map((threads, place): Case => ({
      name,
      table: "tasks",
      settings: { ...choice.settings, threads },
      run: run(choice.quick ? 3 : iterations),
      processes: choice.quick ? 1 : 7,
      ...(place === 0 && forward !== undefined && { forward: run(choice.quick ? 2 : forward) }),
    }));
  });
}

/** A sequence of the spoken digits: 700 channels, about 8,000 spikes, 20 classes. */
export const sequence = { steps: 1370, inputs: 700, spikes: 8000, readouts: 20 } as const;

function spokenDigits({ quick, settings }: Choice): Case[] {
  const batch = quick ? 4 : 512;
  const precisions = settings.precision ? [settings.precision] : (["f64", "f32"] as const);
  return (quick ? [256] : [256, 512, 1024]).flatMap((neurons) =>
    precisions.map((precision): Case => {
      const run: NetworkRun = {
        kind: "network",
        family: "interval",
        ...sequence,
        neurons,
        batch,
        repetitions: quick ? 1 : 3,
      };
      return {
        name: `spoken digits, ${neurons} neurons, batch ${batch}`,
        table: "spoken digits",
        settings: { ...settings, precision, threads: allThreads },
        run,
        processes: 1,
        // Forward, a batch of 512 takes minutes; by neuron-step a sequence a thread costs the same.
        ...(precision === "f64" && { forward: { ...run, batch: allThreads, repetitions: 1 } }),
      };
    }),
  );
}

interface Series {
  name: string;
  table: "growth" | "large and sparse";
  values: readonly number[];
  quick: readonly number[];
  run: (x: number) => Omit<NetworkRun, "kind" | "family" | "repetitions">;
  precision?: Precision;
  threads?: (x: number) => number;
  forward?: true;
}

const dense = { ...sequence, steps: 1000, spikes: 5840, neurons: 256, batch: 16 };
const sparse = { ...sequence, steps: 250, spikes: 1460, readouts: 2, neurons: 10_000, batch: 4 };

/** How cost grows: each series changes one size of a network. */
const growth: readonly Series[] = [
  {
    name: "neurons",
    table: "growth",
    values: [64, 128, 256, 512, 1024],
    quick: [32, 64],
    run: (neurons) => ({ ...dense, neurons }),
    forward: true,
  },
  {
    name: "steps",
    table: "growth",
    values: [250, 500, 1000, 2000, 4000],
    quick: [100, 200],
    run: (steps) => ({ ...dense, steps, spikes: Math.round(steps * 5.84) }),
  },
  {
    name: "batch",
    table: "growth",
    values: [4, 8, 16, 32, 64, 128],
    quick: [2, 4],
    run: (batch) => ({ ...dense, batch }),
  },
  {
    name: "threads",
    table: "growth",
    values: Array.from({ length: allThreads }, (_, place) => place + 1),
    quick: [1, 2],
    run: () => dense,
    threads: (threads) => threads,
  },
  {
    name: "synapses a neuron",
    table: "large and sparse",
    values: [50, 100, 200, 400, 800],
    quick: [20, 40],
    run: (synapses) => ({ ...sparse, indegree: { inputs: synapses / 5, neurons: (synapses * 4) / 5 } }),
  },
  {
    name: "neurons with 100 synapses each",
    table: "large and sparse",
    values: [1000, 3000, 10_000, 30_000, 100_000],
    quick: [200, 400],
    run: (neurons) => ({ ...sparse, neurons, indegree: { inputs: 20, neurons: 80 } }),
  },
  {
    name: "neurons with 100 synapses each",
    table: "large and sparse",
    values: [10_000, 100_000],
    quick: [200, 400],
    run: (neurons) => ({ ...sparse, neurons, indegree: { inputs: 20, neurons: 80 } }),
    precision: "f32",
  },
];

function growthCases({ quick, settings }: Choice): Case[] {
  return growth.flatMap((series) =>
    (quick ? series.quick : series.values).map((x): Case => {
      const size = series.run(x);
      const run: NetworkRun = {
        kind: "network",
        family: "interval",
        ...size,
        ...(quick && { steps: Math.min(size.steps, 200), batch: Math.min(size.batch, 4) }),
        repetitions: quick ? 1 : 5,
      };
      return {
        name: series.name === "threads" ? `${x} threads` : `${x} ${series.name}`,
        table: series.table,
        settings: {
          ...settings,
          ...(series.precision && { precision: series.precision }),
          threads: series.threads?.(x) ?? 1,
        },
        run,
        processes: !quick && series.table === "growth" ? 3 : 1,
        ...(series.forward && { forward: { ...run, batch: 1, repetitions: 1 } }),
        series: { name: series.name, x },
      };
    }),
  );
}

/** A network whose weights change with every spike, on one thread and on all. */
function plusCases({ quick, settings }: Choice): Case[] {
  const steps = quick ? 100 : 250;
  return (quick ? [100] : [1000, 2000]).flatMap((neurons) =>
    [1, allThreads].map((threads): Case => ({
      name: `${neurons} neurons`,
      table: "e-prop+",
      settings: { ...settings, threads },
      run: {
        kind: "network",
        family: "event",
        ...sequence,
        steps,
        spikes: Math.round(5.84 * steps),
        readouts: 2,
        neurons,
        batch: 1,
        repetitions: quick ? 1 : 3,
      },
      processes: 1,
    })),
  );
}

function startUp({ quick, settings }: Choice): Case[] {
  return (["import", "first-simulate"] as const).map((what): Case => ({
    name: what === "import" ? 'import "eprop"' : "first Simulate of 20 neurons",
    table: "start-up",
    settings: { ...settings, threads: allThreads },
    run: { kind: "start-up", what },
    processes: quick ? 3 : 21,
  }));
}

/** All cases, in the order of the tables. */
export function allCases(choice: Choice): Case[] {
  return [
    ...startUp(choice),
    ...taskCases(choice),
    ...spokenDigits(choice),
    ...growthCases(choice),
    ...plusCases(choice),
  ];
}
