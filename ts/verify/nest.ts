/** NEST itself as a judge: the same network, built there with the same names. */
import { spawn } from "node:child_process";
import { nestError } from "../core/errors.js";
import { type PopulationDescription, describedNetwork, populationsOf } from "../tasks/network-description.js";
import type { NodeCollection } from "../nest/collections.js";
import type { IterationData, Task } from "../tasks/task.js";
import type { TaskNetwork } from "../training/network.js";
import { difference, spikesApart } from "./compare.js";
import { EngineNetwork } from "./engine.js";
import { formOf } from "./losses.js";
import { nestProgram } from "./nest-program.js";
import type { Problem, Synapses } from "./problem.js";
import { feedbackFacts } from "../nest/feedback.js";
import { optimizers } from "../nest/models.generated.js";
import { type NestProof, type ProofCheck, bounds, proofCheck } from "./verification.js";

/** How NEST is reached. */
export interface NestOptions {
  python?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** What the program answers. */
interface Answer {
  version: string;
  spikes: { times: number[]; neurons: number[] };
  readouts: { times: number[]; readouts: number[]; signals: number[] };
  weights: { times: number[]; senders: number[]; targets: number[]; weights: number[] };
  first: Record<"input" | "recurrent" | "readout", number>;
}

/** Iterations that are simulated: of weights that change at their ends, after two changes. */
export const iterationsOf = { interval: 3, event: 1 } as const;

/** Transmitted weights that NEST may record. */
const mostWeights = 2e7;

/** The interpreter that is asked. */
export function pythonOf(python: string | undefined): string {
  return python ?? process.env["PYTHON"] ?? "python3";
}

/** Runs Python; what it prints, or why it did not. */
function inPython(
  python: string,
  code: string,
  input: string,
  signal: AbortSignal | undefined,
): Promise<{ out: string } | { failure: string }> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(python, ["-c", code], { stdio: ["pipe", "pipe", "pipe"] });
    let [out, errors] = ["", ""];
    const stop = () => child.kill("SIGKILL");
    signal?.addEventListener("abort", stop, { once: true });
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors = `${errors}${text}`.slice(-2000)));
    child.on("error", (error) => (errors ||= error.message));
    child.on("close", (status) => {
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) reject(signal.reason as Error);
      else if (status === 0) resolve({ out });
      else resolve({ failure: errors.trim().split("\n").slice(-3).join("; ") });
    });
    // A process that cannot read says so by its end.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

/** Python modules that the program needs, and the packages that have them. */
const needed = { nest: "nest-simulator", numpy: "numpy" } as const;

/**
 * What an interpreter lacks to ask NEST, in words; undefined where it lacks nothing.
 *
 * @throws {@link NESTError} for one that was named and cannot be run.
 */
export async function lackOfNest({ python, signal }: NestOptions): Promise<string | undefined> {
  const names = Object.keys(needed).map((name) => `'${name}'`);
  const look = `import importlib.util as u; print(*[m for m in (${names.join(", ")}) if u.find_spec(m) is None])`;
  const interpreter = pythonOf(python);
  const said = await inPython(interpreter, look, "", signal);
  if ("out" in said) {
    const missing = said.out.split(/\s+/).filter((name): name is keyof typeof needed => name in needed);
    if (missing.length === 0) return undefined;
    const packages = missing.map((name) => needed[name]).join(" ");
    return `${interpreter} has no ${missing.join(" and no ")} (${interpreter} -m pip install ${packages})`;
  }
  if (python === undefined) return `${interpreter} cannot be run: ${said.failure}`;
  throw nestError({
    code: "ValueError",
    message: `${python} cannot be run as Python: ${said.failure}`,
    parameter: "python",
    value: python,
    bound: "a Python, or left out",
  });
}

/** @throws {@link NESTError} that says what an interpreter lacks to ask NEST. */
export async function requireNest({ python, signal }: NestOptions): Promise<void> {
  const lack = await lackOfNest({ python, signal });
  if (lack === undefined) return;
  throw nestError({
    code: "ValueError",
    message: `NEST cannot be asked: ${lack}`,
    parameter: "python",
    value: pythonOf(python),
    bound: "a Python that has nest-simulator and numpy",
  });
}

/** JSON with the infinities that Python reads. */
function asJson(value: unknown): string {
  return JSON.stringify(value, (_key, of: unknown) => {
    if (ArrayBuffer.isView(of)) return Array.from(of as Float64Array);
    if (typeof of !== "number" || Number.isFinite(of)) return of;
    return of > 0 ? "inf" : "-inf";
  });
}

/** Spike times of each input (ms), one step early: a parrot repeats them. */
function inputSpikes(problem: Problem, iterations: readonly IterationData[]) {
  const { inputs, steps, sequences, resolution } = problem;
  const all = Array.from({ length: inputs }, () => ({
    times: [] as number[],
    multiplicities: [] as number[],
  }));
  for (const [at, { spikes }] of iterations.entries()) {
    for (const place of spikes) {
      const input = place % inputs;
      const stamp = at * steps * sequences + (place - input) / inputs + 2;
      const { times, multiplicities } = all[input] as (typeof all)[number];
      const time = (stamp - 1) * resolution;
      if (times.at(-1) === time) multiplicities[times.length - 1] = (multiplicities.at(-1) as number) + 1;
      else {
        times.push(time);
        multiplicities.push(1);
      }
    }
  }
  return all;
}

/** Targets of the readouts, and the learning window of e-prop+, by receptor. */
function signalsOf(problem: Problem, iterations: readonly IterationData[], shift: number) {
  const { steps, sequences, learningWindow, resolution, readouts, family } = problem;
  const length = steps * sequences;
  const targets = readouts.map((_, k) => {
    const [times, values]: [number[], number[]] = [[], []];
    for (const [at, { targets: of }] of iterations.entries()) {
      of[k]?.steps.forEach((step) => times.push((at * length + step + shift) * resolution));
      of[k]?.values.forEach((amplitude) => values.push(amplitude));
    }
    return { amplitude_times: times, amplitude_values: values };
  });
  if (family === "interval") return { 2: targets };
  const closed = steps - learningWindow;
  const [times, values]: [number[], number[]] = [[], []];
  for (let sequence = 0; sequence < sequences * iterations.length; sequence++) {
    const begin = sequence * steps + shift;
    if (closed > 0) {
      times.push(begin * resolution, (begin + closed) * resolution);
      values.push(0, 1);
    } else if (sequence === 0) {
      times.push(begin * resolution);
      values.push(1);
    }
  }
  return { 2: targets, 1: [{ amplitude_times: times, amplitude_values: values }] };
}

/** What NEST's copy of a synapse model is made with. */
function defaultsOf(problem: Problem, { kind, optimizer = {} }: Synapses) {
  if (kind !== "plastic") return null;
  const { type = "gradient_descent", batch_size, eta, Wmin, Wmax, optimize_each_step } = optimizer;
  const own = {
    type,
    batch_size,
    eta,
    Wmin,
    Wmax,
    ...Object.fromEntries(optimizers[type].parameters.map((name) => [name, optimizer[name]])),
    ...(problem.family === "event" && { optimize_each_step }),
  };
  const known = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return {
    optimizer: known,
    // NEST holds the model's own weight against the bounds, too.
    weight: Math.min(Math.max(1, Wmin ?? 1), Wmax ?? 1),
    ...(problem.family === "interval" && { average_gradient: problem.average }),
  };
}

const synapseModels = {
  interval: {
    plastic: "eprop_synapse_bsshslm_2020",
    feedback: "eprop_learning_signal_connection_bsshslm_2020",
    static: "static_synapse",
  },
  event: { plastic: "eprop_synapse", feedback: "eprop_learning_signal_connection", static: "static_synapse" },
} as const;

/** Parameters of a population: a dictionary per neuron where they are not the same for all. */
function paramsOf(population: PopulationDescription, nodes: NodeCollection): unknown {
  if (population.kind === "input" || population.params === undefined) return null;
  const { params, n } = population;
  if (Array.isArray(params)) return params;
  const entries = Object.entries(params as Record<string, unknown>);
  // Lists and what was drawn: as the kernel has them.
  const differing = entries.filter(([, value]) => typeof value === "object").map(([name]) => name);
  if (differing.length === 0) return params;
  const values = differing.map((name) => {
    const value = nodes.get(name);
    return [name, Array.isArray(value) ? value : [value]] as const;
  });
  return Array.from({ length: n }, (_, at) => ({
    ...params,
    ...Object.fromEntries(values.map(([name, of]) => [name, of[at]])),
  }));
}

/** What the program is told. */
function toldOf(
  task: Task,
  problem: Problem,
  iterations: readonly IterationData[],
  { built, timeline }: TaskNetwork,
) {
  const network = describedNetwork(task.network);
  const { resolution, steps, sequences, learningWindow, family, loss } = problem;
  const length = steps * sequences * resolution;
  const populations = (["input", "recurrent", "readout"] as const).flatMap((kind) =>
    populationsOf(network, kind).map((population) => ({
      kind,
      model: population.kind === "input" ? "parrot_neuron" : population.model,
      n: population.n,
      params: paramsOf(population, built.populations[population.name] as NodeCollection),
    })),
  );
  const tau = problem.readouts[0]?.tau_m;
  return {
    resolution,
    kernel: {
      rng_seed: 1,
      total_num_virtual_procs: 1,
      ...(family === "interval" && {
        eprop_update_interval: steps * resolution,
        eprop_learning_window: learningWindow * resolution,
        eprop_reset_neurons_on_update: true,
      }),
    },
    populations,
    spikes: inputSpikes(problem, iterations),
    signals: signalsOf(problem, iterations, timeline.target),
    ...formOf(loss).nest,
    projections: problem.projections.map((of) => ({
      name: of.name,
      model: synapseModels[family][of.kind],
      copied: of.model !== synapseModels[family][of.kind],
      defaults: defaultsOf(problem, of),
      synapse: of.kind === "plastic" && family === "interval" ? { tau_m_readout: tau } : {},
      from: of.from,
      to: of.to,
      sources: of.sources,
      targets: of.targets,
      weights: of.weights,
      delays: Float64Array.from(of.delays, (delay) => delay * resolution),
    })),
    // Weights of the last iteration, from where none of the one before are on their way any more.
    weights_from: family === "interval" ? (iterations.length - 1) * length + 8 * resolution : 0,
    record_from: timeline.record * resolution,
    duration: iterations.length * length + timeline.lag * resolution,
  };
}

/** The last weight that NEST transmitted over each connection of a projection, where it did. */
function transmitted(
  { sources, targets, from, to }: Synapses,
  { weights, first }: Answer,
): (number | undefined)[] {
  const last = new Map<string, number>();
  weights.senders.forEach((sender, at) =>
    last.set(`${sender} ${weights.targets[at]}`, weights.weights[at] as number),
  );
  return Array.from(sources, (source, entry) =>
    last.get(`${source + first[from]} ${(targets[entry] as number) + first[to]}`),
  );
}

/** Transmissions over plastic connections, at the most. */
function transmissions(problem: Problem, iterations: readonly IterationData[], spikes: number): number {
  const degree = (from: string, count: number) =>
    problem.projections
      .filter((of) => of.kind === "plastic" && of.from === from)
      .reduce((sum, { sources }) => sum + sources.length / count, 0);
  const sent = iterations.reduce((sum, data) => sum + data.spikes.length, 0);
  return sent * degree("input", problem.inputs) + spikes * degree("recurrent", problem.recurrent.length);
}

/** Names of the optimizers that NEST has. */
const optimizersOfNest: ReadonlySet<string> = new Set(["gradient_descent", "adam"]);

/** Why a network cannot be laid beside NEST's; nothing where it can. */
function notInNest(problem: Problem, task: Task): string | undefined {
  const all = problem.projections.flatMap(({ optimizer }) => optimizer?.type ?? []);
  const other = all.find((type) => !optimizersOfNest.has(type));
  if (other !== undefined) return `NEST has no optimizer ${other}`;
  const network = describedNetwork(task.network);
  const feedback = [network, ...Object.values(network.projections)].flatMap((of) => of.feedback ?? []);
  const kind = feedback.find((of) => feedbackFacts(of).changes);
  if (kind !== undefined) return `NEST has no ${kind} feedback`;
  if (formOf(problem.loss).nest === undefined) return `NEST has no loss ${problem.loss}`;
  if (problem.readouts.some(({ smoothing }) => smoothing > 0)) return "NEST has no label smoothing";
  if (problem.recurrent.some(({ c_voltage }) => c_voltage > 0)) return "NEST has no voltage regularization";
  const neurons = [...problem.recurrent, ...problem.readouts];
  if (neurons.some(({ learns_bias }) => learns_bias)) return "NEST has no currents that learn";
  if (problem.projections.some(({ optimizer }) => (optimizer?.c_l2 ?? 0) > 0)) {
    return "NEST has no cost of squared weights";
  }
  const pairs = problem.projections.map(
    ({ sources, targets }) =>
      new Set(Array.from(sources, (source, at) => `${source} ${targets[at]}`)).size < sources.length,
  );
  if (pairs.some(Boolean)) return `${task.name} has several connections between the same nodes`;
  return undefined;
}

/** What the engine computes of the iterations. */
async function engineCourse(
  task: Task,
  iterations: readonly IterationData[],
  signal: AbortSignal | undefined,
) {
  const engine = await EngineNetwork.build(task, { signal });
  try {
    const problem = engine.problem(iterations[0] as IterationData);
    const runs: Awaited<ReturnType<EngineNetwork["run"]>>[] = [];
    let weights = engine.weights();
    await engine.load(iterations);
    while (runs.length < iterations.length) {
      if (problem.family === "interval") weights = engine.weights();
      runs.push(await engine.run());
    }
    if (problem.family === "event") weights = engine.weights();
    const told = asJson(toldOf(task, problem, iterations, engine.network));
    return { problem, told, timeline: engine.network.timeline, runs, weights };
  } finally {
    await engine.close();
  }
}

/**
 * Builds the network in NEST and lays spikes, readout signals and weights of the first iterations side by side.
 *
 * @throws {@link NESTError} that says what Python lacks, where it has no NEST.
 */
export async function verifyInNest(
  task: Task,
  iterations: readonly IterationData[],
  { python, signal }: NestOptions,
): Promise<{ checks: ProofCheck[]; nest?: NestProof; notes: string[] }> {
  const { problem, told, timeline, runs, weights } = await engineCourse(task, iterations, signal);
  const why = notInNest(problem, task);
  if (why !== undefined) return { checks: [], notes: [`not laid beside NEST: ${why}`] };
  const stamps = Uint32Array.from(runs.flatMap(({ spikes }) => [...spikes.stamps]));
  const neurons = Uint32Array.from(runs.flatMap(({ spikes }) => [...spikes.neurons]));
  if (transmissions(problem, iterations, stamps.length) > mostWeights) {
    return { checks: [], notes: ["not laid beside NEST: fewer steps, sequences or neurons"] };
  }
  const said = await inPython(pythonOf(python), nestProgram, told, signal);
  if ("failure" in said) {
    await requireNest({ python, signal });
    // Its history does not hold what some networks need: spikes in the very first steps, for one.
    return { checks: [], notes: [`not laid beside NEST, which refuses: ${said.failure}`] };
  }
  const answer = JSON.parse(said.out) as Answer;
  const { resolution, steps, sequences } = problem;
  const theirs = {
    stamps: Uint32Array.from(answer.spikes.times, (time) => Math.round(time / resolution)),
    neurons: Uint32Array.from(answer.spikes.neurons),
  };
  const apart = spikesApart({ stamps, neurons }, theirs, iterations.length * steps * sequences);
  const k = problem.readouts.length;
  const signals = Float64Array.from(runs.flatMap((run) => [...run.signals.readout]));
  const shown = new Float64Array(signals.length);
  answer.readouts.times.forEach((time, at) => {
    const row = Math.round(time / resolution) - timeline.record - 1;
    shown[row * k + (answer.readouts.readouts[at] as number)] = answer.readouts.signals[at] as number;
  });
  const deviation = difference(signals, shown.subarray(0, signals.length)).deviation;
  const checks = [
    proofCheck("spikes: the engine and NEST", apart.count, 0),
    proofCheck("readout signals: the engine and NEST", deviation, bounds.nest),
  ];
  const compared = problem.projections
    .filter(({ kind }) => kind === "plastic")
    .map((of) => {
      const found = transmitted(of, answer);
      const pairs = found.flatMap((weight, entry) =>
        weight === undefined ? [] : [[weights[of.name]?.[entry] as number, weight] as const],
      );
      const [ours, others] = [0, 1].map((side) => Float64Array.from(pairs, (pair) => pair[side] as number));
      const far = difference(ours as Float64Array, others as Float64Array).deviation;
      checks.push(proofCheck("weights: the engine and NEST", far, bounds.nest, of.name));
      return { projection: of.name, connections: pairs.length, deviation: far };
    });
  const parted =
    apart.first === undefined
      ? []
      : [
          `the first spike that NEST has otherwise comes in step ${apart.first}; what follows from it differs, too`,
        ];
  return {
    checks,
    notes: parted,
    nest: {
      version: answer.version,
      iterations: iterations.length,
      spikes: stamps.length,
      spikesApart: apart.count,
      signals: deviation,
      weights: compared,
    },
  };
}
