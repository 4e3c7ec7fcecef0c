/** The comparisons of a network of e-prop+. */
import { inSlices } from "../core/event-loop.js";
import {
  type NetworkDescription,
  type ProjectionDescription,
  describedNetwork,
} from "../tasks/network-description.js";
import type { IterationData, Task } from "../tasks/task.js";
import { difference, largestOf, spikesApart } from "./compare.js";
import { EngineNetwork, type EngineOptions, type EngineRun } from "./engine.js";
import type { Problem } from "./problem.js";
import { plusCourse } from "./plus-course.js";
import { type Findings, type Meddling, type VerifyOptions, bounds, proofCheck } from "./verification.js";

/** The learning rate where the task's own optimizer is none of gradient descent. */
const otherwise = 1e-4;

/** An optimizer of gradient descent in place of another. */
function descent<O extends NetworkDescription["optimizer"]>({ batch_size, eta, type, ...rest }: O) {
  const { optimize_each_step, Wmin, Wmax } = rest as NetworkDescription["optimizer"];
  const all = {
    type: "gradient_descent" as const,
    batch_size,
    eta: type === undefined || type === "gradient_descent" ? eta : otherwise,
    optimize_each_step,
    Wmin,
    Wmax,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function descending(task: Task): Task {
  const network = describedNetwork(task.network);
  const projections = Object.entries(network.projections).map(([name, projection]) => {
    const { optimizer, ...rest } = projection;
    const own: ProjectionDescription =
      optimizer === undefined ? rest : { ...rest, optimizer: descent(optimizer) };
    return [name, own] as const;
  });
  const described = {
    ...network,
    projections: Object.fromEntries(projections),
    optimizer: descent(network.optimizer),
  };
  return { ...task, network: described };
}

async function engineRun(
  task: Task,
  data: IterationData,
  options: EngineOptions,
): Promise<EngineRun & { problem: Problem }> {
  const engine = await EngineNetwork.build(task, options);
  try {
    const problem = engine.problem(data);
    await engine.load([data]);
    return { problem, ...(await engine.run()) };
  } finally {
    await engine.close();
  }
}

/** How far changes of weights may be apart: where weights hardly move, their own rounding is what one sees. */
function boundOf(changes: Float64Array, weights: Float64Array): number {
  const rounding = (2 ** -50 * largestOf(weights)) / largestOf(changes);
  return Math.max(bounds.changes, Number.isFinite(rounding) ? rounding : 0);
}

/** Verifies a network of e-prop+: how its weights change in one iteration, by gradient descent. */
export async function verifyPlus(
  asked: Task,
  next: () => Promise<IterationData>,
  { signal, onProgress, meddle }: VerifyOptions & Meddling,
): Promise<Findings> {
  const task = descending(asked);
  const data = await next();
  const engine: EngineOptions = { signal, meddle };
  onProgress?.("the engine, by maps and step by step");
  const own = await engineRun(task, data, engine);
  const forward = await engineRun(task, data, { ...engine, gradient: "forward" });
  onProgress?.("e-prop+ by its definition");
  const course = await inSlices(plusCourse(own.problem), signal);
  const until = task.steps * task.batchSize;
  const apart = spikesApart(own.spikes, course.spikes, until);
  const checks = [
    proofCheck("spikes: adjoint and forward", spikesApart(own.spikes, forward.spikes, until).count, 0),
    proofCheck("spikes: the engine and the definition", apart.count, 0),
    proofCheck(
      "readout signals: the engine and the definition",
      difference(own.signals.readout, course.signals).deviation,
      bounds.definition,
    ),
  ];
  const projections = Object.entries(course.changes).map(([name, defined]) => {
    const weights = own.problem.projections.find((of) => of.name === name)?.weights ?? defined;
    const bound = boundOf(defined, weights);
    const ofForward = difference(own.changes[name] as Float64Array, forward.changes[name] as Float64Array);
    const { deviation, norm } = difference(own.changes[name] as Float64Array, defined);
    checks.push(
      proofCheck("weights' changes: adjoint and forward", ofForward.deviation, bound, name),
      proofCheck("weights' changes: the engine and the definition", deviation, bound, name),
    );
    return {
      projection: name,
      connections: defined.length,
      norm,
      forward: ofForward.deviation,
      definition: deviation,
    };
  });
  const isOwn =
    asked.network.optimizer.type === undefined || asked.network.optimizer.type === "gradient_descent";
  return {
    checks,
    projections,
    slopes: [],
    paths: [],
    training: [],
    spikes: course.spikes.stamps.length,
    notes: [
      "with e-prop+ weights change all the time: what is compared is their change in an iteration",
      ...(isOwn ? [] : ["weights follow gradient descent here, not the task's own optimizer"]),
      ...(apart.first === undefined
        ? []
        : [`the first spike that differs comes in step ${apart.first}; what follows from it differs, too`]),
    ],
  };
}
