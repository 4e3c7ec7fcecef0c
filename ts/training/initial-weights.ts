/** Weights that a training begins with in place of its task's: those of a saved network. */
import { join, resolve } from "node:path";
import {
  type Check,
  fields,
  list,
  optional,
  path as filePath,
  refuse as refuseValue,
  text,
} from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { inSlices } from "../core/event-loop.js";
import { rewiringFacts } from "../nest/rewiring.js";
import { Network } from "../network/network.js";
import type { NetworkWeights } from "../network/weights.js";
import {
  type NetworkDescription,
  type ProjectionDescription,
  type Weights,
  describedNetwork,
  projectionShape,
  rewiringOfProjection,
} from "../tasks/network-description.js";
import type { Task } from "../tasks/task.js";

/** Where a training's first weights and connections come from. */
export interface InitOptions {
  /** The network of a run (`network.safetensors`), the run's folder, or a checkpoint. */
  path: string;
  /** Projections that begin so; all of the task's if left out. */
  projections?: readonly string[];
}

/** What results, run folders and checkpoints say of them. */
export interface InitNote extends InitOptions {
  /** SHA-256 of the file. */
  sha256: string;
}

/** Weights that were read, by projection; none where a training goes on that began with them. */
export interface InitialWeights {
  readonly note: InitNote;
  readonly network?: Network;
}

/** None would begin with nothing of the file, and results would say that it was begun with. */
const someNames: Check<string[]> = {
  allowed: "names of projections",
  read(value, at) {
    const names = list(text, this.allowed).read(value, at);
    if (names.length > 0 && !names.includes("")) return names;
    return refuseValue(at, value, "names of projections, one or more; all if left out", {
      code: "ValueError",
      message: names.length > 0 ? `a name of ${at} is empty` : `${at} names none`,
    });
  },
};

export const initCheck: Check<InitOptions> = fields({
  path: filePath,
  projections: optional(someNames),
}) as Check<InitOptions>;

/** Reads the network that a training begins with. */
export async function readInitialWeights({ path, projections }: InitOptions): Promise<InitialWeights> {
  // Few trainings read files.
  const [{ statOf }, { bytesDigest }] = await Promise.all([
    import("../files/stat.js"),
    import("../files/saved-file.js"),
  ]);
  const bound = "a saved network, a run folder or a checkpoint";
  const isFolder = statOf(path, "options.init.path", bound).isDirectory();
  const file = resolve(isFolder ? join(path, "network.safetensors") : path);
  const { network, bytes } = await Network.read(file);
  const sha256 = await inSlices(bytesDigest(bytes));
  return { note: { path: file, sha256, ...(projections !== undefined && { projections }) }, network };
}

/** Refuses to make a network whose first weights have not been read. */
export function checkRead(asked: InitOptions | undefined, initial: InitialWeights | undefined): void {
  if (asked === undefined || initial !== undefined) return;
  throw nestError({
    code: "KernelException",
    message: "the weights that this training begins with are read with its first iteration",
    parameter: "init",
    bound: "`await trainer.next()` or `await trainer.resultAsync()` before",
  });
}

/**
 * The network that a training begins with: the task's, with weights and connections that were read.
 *
 * @throws {@link NESTError} that names projections and shapes that do not fit.
 */
export function initialNetwork(task: Task, initial: InitialWeights | undefined): NetworkDescription {
  const description = describedNetwork(task.network);
  if (initial?.network === undefined) return description;
  const { note, network } = initial;
  const found = network.parts?.projections.map(({ name }) => name);
  if (found === undefined)
    refuse(
      `${note.path} does not name its projections`,
      "the network of a run, or a checkpoint, of this version of eprop",
    );
  const projections = { ...description.projections };
  for (const name of note.projections ?? Object.keys(projections)) {
    const projection = projections[name];
    if (projection === undefined) {
      refuse(`the network of ${task.name} has no projection ${name}`, Object.keys(projections).join(", "));
    }
    if (!found.includes(name)) {
      const bound = `${found.join(", ")}; those to begin with can be chosen (\`projections\`, --init-projections)`;
      refuse(`${note.path} has no projection ${name}`, bound);
    }
    const { keepsSign = false, rewiring } = rewiringOfProjection(description, name);
    projections[name] = withWeights(projection, network.weights(name), {
      name,
      path: note.path,
      shape: projectionShape(description, projection),
      keepsSign,
      rewires: rewiringFacts(rewiring).replaces,
    });
  }
  return { ...description, projections };
}

function refuse(message: string, bound: string): never {
  throw nestError({ code: "ValueError", message, parameter: "options.init", bound });
}

/** Where weights come from, and what they have to be like. */
interface Loaded {
  name: string;
  path: string;
  shape: readonly [number, number];
  keepsSign: boolean;
  rewires: boolean;
}

/** The sign that each source of a matrix has, in all of its connections; 0 where they have both. */
function signsOfSources({ data, shape: [rows, columns], mask }: Weights): number[] {
  return Array.from({ length: columns }, (_, column) => {
    const signs = new Set<number>();
    for (let row = 0; row < rows; row++) {
      const at = row * columns + column;
      if (mask === undefined || mask[at] !== 0) signs.add(Math.sign(data[at] as number));
    }
    signs.delete(0);
    return signs.size === 1 ? ([...signs][0] as number) : 0;
  });
}

/**
 * Refuses a weight whose sign is another than that of the task, which it would keep. Connections that the task has not,
 * or that are rewired, have the sign of their source, where it has one.
 */
function checkSigns(
  of: ProjectionDescription["weights"],
  weights: NetworkWeights,
  { name, path, rewires }: { name: string; path: string; rewires: boolean },
): void {
  const ofSources = typeof of === "object" && "data" in of ? signsOfSources(of) : [];
  const signOf = (at: number) => {
    if (typeof of === "number") return Math.sign(of);
    if (!("data" in of)) return 0;
    const isOwn = !rewires && (of.mask === undefined || of.mask[at] !== 0);
    return isOwn ? Math.sign(of.data[at] as number) : (ofSources[at % of.shape[1]] as number);
  };
  const other = weights.data.findIndex((weight, at) => Math.sign(weight) * signOf(at) < 0);
  if (other < 0) return;
  refuse(
    `${path} has a weight of ${name} (${weights.data[other]}) with another sign than the task's, which weights keep`,
    "weights of a network with the same signs, or a task whose weights change theirs (of a task, without exc_fraction)",
  );
}

function withWeights(
  { rule: _rule, ...projection }: ProjectionDescription,
  weights: NetworkWeights,
  { name, path, shape: [rows, columns], keepsSign, rewires }: Loaded,
): ProjectionDescription {
  const [heldRows, heldColumns] = weights.shape;
  if (heldRows !== rows || heldColumns !== columns) {
    refuse(
      `${path} has ${name} from ${heldColumns} to ${heldRows} nodes`,
      `from ${columns} to ${rows}, as in the task`,
    );
  }
  if (keepsSign) checkSigns(projection.weights, weights, { name, path, rewires });
  return { ...projection, weights };
}
