import { countOf, describedNetwork, isPool, populationsOf } from "../tasks/network-description.js";
import type { Task } from "../tasks/task.js";
import { populationNames } from "../tasks/population-names.js";
import { familyOf } from "../training/build-network.js";
import { plannedIterations } from "../training/pace.js";
import { LiveFeed } from "./feed.js";
import { livePage } from "./page.js";
import { type LiveServer, serveLive } from "./server.js";

export { LiveFeed } from "./feed.js";
export type { LiveServer } from "./server.js";

/** How a live view is served. */
export interface LiveOptions {
  /** Port on 127.0.0.1; any free one if left out. */
  port?: number;
  /** The run folder that the page names. */
  folder?: string;
  /** The folder of what the page is made of, as the build leaves it; beside this module if left out. */
  parts?: URL;
  /** Called when someone asks for the training's end. */
  onStop: () => void;
}

/** Serves the live view of a task's training: give the feed its iterations, and let it observe. */
export async function openLiveView(
  task: Task,
  { port = 0, folder, parts, onStop }: LiveOptions,
): Promise<{ feed: LiveFeed; server: LiveServer }> {
  const populations = populationsOf(describedNetwork(task.network), "recurrent");
  const recurrent = populations
    .map(({ name, n, model }) => `${n} ${model}${isPool(task.network) ? "" : ` (${name})`}`)
    .join(", ");
  const feed = new LiveFeed(
    {
      task: task.name,
      text: task.text,
      seed: task.seed,
      kind: task.kind,
      gradient: populations.every(({ model }) => familyOf(model) === "interval"),
      planned: plannedIterations(task.schedule),
      populations: populations.map(({ name, n }, at) => ({
        name: isPool(task.network) ? (populationNames(populations)[at] as string) : name,
        n,
      })),
      ...(folder !== undefined && { folder }),
      facts: [
        ["recurrent neurons", recurrent],
        ["inputs and readouts", `${countOf(task.network, "input")} and ${countOf(task.network, "readout")}`],
        ["sequences per iteration", `${task.batchSize} of ${task.steps * task.resolution} ms`],
        ...Object.entries(task.parameters)
          .filter(([name]) => name !== "seed" && name !== "batchSize")
          .map(([name, value]) => [name, String(value)] as const),
      ],
    },
    task.steps * task.resolution,
  );
  return { feed, server: await serveLive(feed, livePage(parts), onStop, port) };
}
