/** A task with fewer neurons, steps or sequences: the same network and data, cut. */
import { type Check, fields, optional, refuse, whole } from "../core/arguments.js";
import { inSlices } from "../core/event-loop.js";
import { checkedIteration } from "../tasks/check.js";
import { isRandomParameter } from "../nest/random.js";
import {
  type NetworkDescription,
  type PopulationDescription,
  type ProjectionDescription,
  type Weights,
  describedNetwork,
  names,
} from "../tasks/network-description.js";
import type { IterationData, Task } from "../tasks/task.js";

/** What is kept of a task; all of it where nothing is said. */
export interface Shrinking {
  /** Recurrent neurons that stay, of each population its share and at least one. */
  neurons?: number;
  /** Steps of each sequence that stay: the last ones. */
  steps?: number;
  /** Sequences of an iteration that stay: the first ones. */
  sequences?: number;
}

export const shrinkingFields = {
  neurons: optional(whole(1, 1e6)),
  steps: optional(whole(2, 1e6)),
  sequences: optional(whole(1, 1e6)),
} as const;

export const shrinkingCheck: Check<Shrinking> = fields(shrinkingFields) as unknown as Check<Shrinking>;

/** How many neurons of each population stay. */
function keptOf({ populations }: NetworkDescription, neurons: number | undefined): Record<string, number> {
  const recurrent = Object.values(populations).filter(({ kind }) => kind === "recurrent");
  const all = recurrent.reduce((sum, { n }) => sum + n, 0);
  const share = neurons === undefined ? 1 : Math.min(1, neurons / all);
  return Object.fromEntries(
    Object.entries(populations).map(([name, { kind, n }]) => [
      name,
      kind === "recurrent" ? Math.max(1, Math.round(n * share)) : n,
    ]),
  );
}

/** Rows or columns of a matrix that stay: the first of each population. */
function places(
  { populations }: NetworkDescription,
  of: string | readonly string[],
  kept: Record<string, number>,
): number[] {
  let first = 0;
  return names(of).flatMap((name) => {
    const { n } = populations[name] as PopulationDescription;
    first += n;
    return Array.from({ length: kept[name] as number }, (_, at) => first - n + at);
  });
}

function cutWeights(
  { data, shape: [, columns], mask }: Weights,
  rows: readonly number[],
  kept: readonly number[],
): Weights {
  const cut = (values: ArrayLike<number>) =>
    rows.flatMap((row) => kept.map((column) => values[row * columns + column] as number));
  return {
    data: Float64Array.from(cut(data)),
    shape: [rows.length, kept.length],
    ...(mask && { mask: Uint8Array.from(cut(mask)) }),
  };
}

/** A rule whose degrees fit fewer nodes. */
function cutRule(rule: ProjectionDescription["rule"], sources: number, targets: number) {
  if (typeof rule !== "object" || rule === null) return rule;
  const fitted: Record<string, unknown> = { ...rule };
  for (const [degree, most] of [
    ["indegree", sources],
    ["outdegree", targets],
  ] as const) {
    if (typeof fitted[degree] === "number") fitted[degree] = Math.min(fitted[degree], most);
  }
  if (typeof fitted["N"] === "number") fitted["N"] = Math.min(fitted["N"], sources * targets);
  return fitted as ProjectionDescription["rule"];
}

function cutNetwork(network: NetworkDescription, neurons: number | undefined): NetworkDescription {
  if (neurons === undefined) return network;
  const kept = keptOf(network, neurons);
  const populations = Object.entries(network.populations).map(([name, population]) => {
    const n = kept[name] as number;
    const params = "params" in population ? population.params : undefined;
    return [
      name,
      { ...population, n, ...(Array.isArray(params) && { params: params.slice(0, n) }) },
    ] as const;
  });
  const projections = Object.entries(network.projections).map(([name, projection]) => {
    const { weights, rule } = projection;
    const [rows, columns] = [places(network, projection.to, kept), places(network, projection.from, kept)];
    if (typeof weights === "number" || isRandomParameter(weights)) {
      const fitted = cutRule(rule, columns.length, rows.length);
      return [name, { ...projection, ...(fitted !== undefined && { rule: fitted }) }] as const;
    }
    return [name, { ...projection, weights: cutWeights(weights, rows, columns) }] as const;
  });
  return {
    ...network,
    populations: Object.fromEntries(populations) as NetworkDescription["populations"],
    projections: Object.fromEntries(projections) as NetworkDescription["projections"],
  };
}

/** Inputs and targets of the last steps of the first sequences. */
function cutData(task: Task, shrunk: Task, data: IterationData, inputs: number): IterationData {
  const skipped = task.steps - shrunk.steps;
  const place = (row: number): number => {
    const sequence = Math.floor(row / task.steps);
    const step = (row % task.steps) - skipped;
    return sequence >= shrunk.batchSize || step < 0 ? -1 : sequence * shrunk.steps + step;
  };
  const spikes = Array.from(data.spikes).flatMap((at) => {
    const input = at % inputs;
    const row = place((at - input) / inputs);
    return row < 0 ? [] : [row * inputs + input];
  });
  const targets = data.targets.map(({ steps, values }) => {
    const changes = new Map<number, number>();
    let next = 0;
    let value: number | undefined;
    for (let row = 0; row < task.steps * shrunk.batchSize; row++) {
      const changed = steps[next] === row;
      if (changed) value = values[next++] as number;
      const at = place(row);
      // A sequence that lost its beginning begins with the target that was there.
      if (at >= 0 && value !== undefined && (changed || at % shrunk.steps === 0)) changes.set(at, value);
    }
    return { steps: Uint32Array.from(changes.keys()), values: Float64Array.from(changes.values()) };
  });
  return {
    spikes: Uint32Array.from(spikes),
    targets,
    ...(data.labels && { labels: data.labels.slice(0, shrunk.batchSize) }),
  };
}

/**
 * A task with less of everything.
 *
 * @throws {@link NESTError} where more is asked for than there is.
 */
export function shrunkTask(task: Task, { neurons, steps, sequences }: Shrinking): Task {
  const network = describedNetwork(task.network);
  const limits = { steps: task.steps, sequences: task.batchSize } as const;
  for (const [name, asked] of Object.entries({ steps, sequences })) {
    const most = limits[name as keyof typeof limits];
    if (asked !== undefined && asked > most) {
      refuse(name, asked, `at most ${most}, as the task ${task.name} has`, { code: "BadParameterValue" });
    }
  }
  const inputs = Object.values(network.populations)
    .filter(({ kind }) => kind === "input")
    .reduce((sum, { n }) => sum + n, 0);
  const batchSize = sequences ?? task.batchSize;
  const withBatch = (optimizer: NetworkDescription["optimizer"]) =>
    optimizer.batch_size === task.batchSize ? { ...optimizer, batch_size: batchSize } : optimizer;
  const cut = cutNetwork(network, neurons);
  const shrunk: Task = {
    ...task,
    steps: steps ?? task.steps,
    learningWindow: Math.min(task.learningWindow, steps ?? task.steps),
    batchSize,
    network: { ...cut, optimizer: withBatch(cut.optimizer) },
    next: async (split, drawn, signal) => {
      const data: unknown = await task.next(split, drawn, signal);
      // What is cut is checked before: what lies past an iteration's end would be cut with it.
      const checked = await inSlices(checkedIteration(task, data, drawn.training + 1), signal);
      return cutData(task, shrunk, checked, inputs);
    },
  };
  return shrunk;
}
