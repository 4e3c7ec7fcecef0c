/** All comparisons of a network whose weights change once an update interval. */
import { inSlices } from "../core/event-loop.js";
import type { IterationData, Task } from "../tasks/task.js";
import { bpttGradients } from "./bptt.js";
import { difference, largestOf, spikesApart } from "./compare.js";
import { EngineNetwork, type EngineOptions, engineGradients } from "./engine.js";
import { lossOf, slopeChecks } from "./finite-differences.js";
import { type Course, intervalCourse, shifts } from "./interval-course.js";
import { type Gradients, biasGradients, epropGradients } from "./interval-eprop.js";
import type { Problem } from "./problem.js";
import { mostNeurons, rtrlGradients, rtrlWork } from "./rtrl.js";
import {
  type Findings,
  type Meddling,
  type PathsProof,
  type ProofCheck,
  type TrainingAngles,
  type VerifyOptions,
  bounds,
  proofCheck,
} from "./verification.js";

/** Iterations of a training whose angles are taken, and sequences of each. */
const most = { samples: 6, sequences: 4 } as const;

/** Work that real-time recurrent learning may be: some seconds. */
const mostWork = 1e10;

type Options = VerifyOptions & Meddling;

/** The options of the engine's side. */
function engineOptions({ signal, meddle }: Options): EngineOptions {
  return { signal, meddle };
}

/** Whether readouts integrate all that the loss depends on: what NEST leaves out at the edges has no derivative. */
function inexactReadouts(course: Course): string | undefined {
  if (course.intervals.some(({ readAtStart }) => readAtStart.length > 0)) {
    return "spikes that readouts read in the first step of an interval";
  }
  return course.clipped > 0 ? "voltages of readouts at their lower bound" : undefined;
}

/**
 * What the parts are like that a gradient is the sum of, by projection: the largest entry of the first sequence's. Where
 * sequences cancel each other, computations of their sum are as far apart as these are.
 */
type Scales = Readonly<Record<string, number>>;

function scalesOf(gradients: Gradients): Scales {
  return Object.fromEntries(Object.entries(gradients).map(([name, of]) => [name, largestOf(of)]));
}

/** e-prop beside backpropagation through time, and the check of the latter. */
async function pathsOf(
  problem: Problem,
  course: Course,
  gradients: Gradients,
  scales: Scales,
  { signal, onProgress }: Options,
): Promise<{ paths: PathsProof[]; checks: ProofCheck[]; notes: string[] }> {
  onProgress?.("backpropagation through time");
  const bptt = await inSlices(bpttGradients(problem, course), signal);
  const symmetric = await inSlices(epropGradients(problem, course, { feedback: "symmetric" }), signal);
  const notes: string[] = [];
  const checks: ProofCheck[] = [];
  let rtrl: Gradients | undefined;
  let ofRtrl = bptt;
  if (problem.recurrent.length > mostNeurons) {
    notes.push(`real-time recurrent learning is for networks of up to ${mostNeurons} neurons`);
  } else if (rtrlWork(problem) > mostWork) {
    notes.push("real-time recurrent learning would take too long: fewer steps");
  } else {
    onProgress?.("real-time recurrent learning");
    const sequences = Math.max(1, Math.min(problem.sequences, Math.floor(mostWork / rtrlWork(problem))));
    rtrl = await inSlices(rtrlGradients(problem, course, sequences), signal);
    ofRtrl = await inSlices(bpttGradients(problem, course, sequences), signal);
  }
  const inexact = inexactReadouts(course);
  if (inexact !== undefined) notes.push(`gradients onto readouts are no derivatives here: ${inexact}`);
  const paths = problem.projections
    .filter(({ kind }) => kind === "plastic")
    .map(({ name, to }): PathsProof => {
      const [exact, own] = [bptt[name] as Float64Array, gradients[name] as Float64Array];
      const { angle, ratio, norm, deviation } = difference(own, exact, scales[name]);
      const other = difference(symmetric[name] as Float64Array, exact);
      if (to === "readout" && inexact === undefined) {
        checks.push(
          proofCheck("onto readouts: e-prop and backpropagation", deviation, bounds.definition, name),
        );
      }
      const deviates =
        rtrl && difference(rtrl[name] as Float64Array, ofRtrl[name] as Float64Array, scales[name]).deviation;
      if (deviates !== undefined) {
        checks.push(
          proofCheck("backpropagation and real-time recurrent learning", deviates, bounds.definition, name),
        );
      }
      return {
        projection: name,
        norm,
        ...(angle !== undefined && { angle }),
        ...(ratio !== undefined && { ratio }),
        ...(other.angle !== undefined && { symmetricAngle: other.angle }),
        ...(other.ratio !== undefined && { symmetricRatio: other.ratio }),
        ...(deviates !== undefined && { rtrl: deviates }),
      };
    });
  return { paths, checks, notes };
}

/** The numbers of the iterations that are looked at, from the first to the last. */
export function sampled(iterations: number, samples: number = most.samples): number[] {
  const count = Math.min(iterations, samples);
  return Array.from({ length: count }, (_, at) =>
    count === 1 ? 1 : 1 + Math.round((at * (iterations - 1)) / (count - 1)),
  );
}

/** Angles between e-prop and backpropagation through time while the task's own optimizer trains. */
async function trainingAngles(
  task: Task,
  next: () => Promise<IterationData>,
  first: IterationData,
  { iterations = 10, signal, onProgress }: Options,
): Promise<TrainingAngles[]> {
  if (iterations === 0) return [];
  const engine = await EngineNetwork.build(task, { signal });
  const wanted = new Set(sampled(iterations));
  const all: TrainingAngles[] = [];
  try {
    const drawn = [first];
    while (drawn.length < iterations) drawn.push(await next());
    await engine.load(drawn);
    for (const [at, data] of drawn.entries()) {
      const iteration = at + 1;
      const problem = engine.problem(data);
      const { signals } = await engine.run();
      if (!wanted.has(iteration)) continue;
      onProgress?.(`training, iteration ${iteration} of ${iterations}`);
      const intervals = Math.min(most.sequences, problem.sequences);
      const course = await inSlices(intervalCourse(problem), signal);
      const eprop = await inSlices(
        epropGradients(problem, course, intervals === undefined ? {} : { intervals }),
        signal,
      );
      const bptt = await inSlices(bpttGradients(problem, course, intervals), signal);
      const angles = Object.keys(eprop)
        .map((name) => [name, eprop[name], bptt[name]] as const)
        .map(([projection, own, exact]) => {
          const { angle, ratio } = difference(own as Float64Array, exact as Float64Array);
          return {
            projection,
            ...(angle !== undefined && { angle }),
            ...(ratio !== undefined && { ratio }),
          };
        });
      all.push({ iteration, loss: lossOf(problem, signals), angles });
    }
    return all;
  } finally {
    await engine.close();
  }
}

/** The slopes of the loss, as far as it has a derivative by readout weights. */
async function slopesOf(
  task: Task,
  data: IterationData,
  problem: Problem,
  gradients: Gradients,
  options: Options,
): Promise<{ slopes: Findings["slopes"]; checks: ProofCheck[] }> {
  options.onProgress?.("differences of the loss");
  const slopes = await slopeChecks(task, data, problem, gradients, engineOptions(options));
  const checks = slopes.map(({ projection, direction, steps, rounding }) => {
    const best = steps.reduce((least, { deviation }) => Math.min(least, deviation), Infinity);
    const along = direction === "gradient" ? "along the gradient" : "along a random direction";
    return proofCheck(`differences of the loss ${along}`, best, bounds.slope + rounding, projection);
  });
  return { slopes, checks };
}

/** Verifies a network whose weights change once an update interval. */
export async function verifyInterval(
  task: Task,
  next: () => Promise<IterationData>,
  options: Options,
): Promise<Findings> {
  const { signal, onProgress } = options;
  const data = await next();
  onProgress?.("the engine, backwards and forwards in time");
  const adjoint = await engineGradients(task, data, engineOptions(options));
  const forward = await engineGradients(task, data, { ...engineOptions(options), gradient: "forward" });
  const { problem } = adjoint;
  onProgress?.("e-prop by its definition");
  const course = await inSlices(intervalCourse(problem), signal);
  const defined = async (intervals?: number): Promise<Gradients> => ({
    ...(await inSlices(
      epropGradients(problem, course, intervals === undefined ? {} : { intervals }),
      signal,
    )),
    ...biasGradients(problem, course, intervals),
  });
  const definition = await defined();
  const scales = scalesOf(await defined(1));
  const apart = spikesApart(adjoint.spikes, course.spikes, task.steps * task.batchSize + shifts.recurrent);
  const signals = Float64Array.from(course.intervals.flatMap((of) => [...of.signals]));
  const shown = difference(adjoint.signals.readout, signals).deviation;
  const checks = [
    proofCheck("spikes: the engine and the definition", apart.count, 0),
    proofCheck("readout signals: the engine and the definition", shown, bounds.definition),
  ];
  const projections = Object.keys(definition).map((name) => {
    const [own, other, exact] = [adjoint.gradients, forward.gradients, definition].map(
      (of) => of[name] as Float64Array,
    ) as [Float64Array, Float64Array, Float64Array];
    const ofForward = difference(own, other, scales[name]).deviation;
    const { deviation, norm } = difference(own, exact, scales[name]);
    checks.push(
      proofCheck("gradient: adjoint and forward", ofForward, bounds.forward, name),
      proofCheck("gradient: the engine and the definition", deviation, bounds.definition, name),
    );
    return { projection: name, connections: exact.length, norm, forward: ofForward, definition: deviation };
  });
  const notes =
    apart.first === undefined
      ? []
      : [`the first spike that differs comes in step ${apart.first}; what follows from it differs, too`];
  const { paths, ...ofPaths } = await pathsOf(problem, course, definition, scales, options);
  const isExact = inexactReadouts(course) === undefined;
  const { slopes, checks: ofSlopes } = isExact
    ? await slopesOf(task, data, problem, adjoint.gradients, options)
    : { slopes: [], checks: [] };
  const training = await trainingAngles(task, next, data, options);
  return {
    checks: [...checks, ...ofSlopes, ...ofPaths.checks],
    projections,
    slopes,
    paths,
    training,
    spikes: course.spikes.stamps.length,
    notes: [...notes, ...ofPaths.notes],
  };
}
