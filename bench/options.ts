/**
 * What a task's options cost: `npm run -s bench:options -- [--pairs N] [--iterations N] [--only NAME] [--markdown FILE]`.
 *
 * Two trainings, with the option and without, take turns iteration by iteration on one thread, so that whatever else the
 * machine does meets both. Both begin alike and are short: what is compared is the cost of the option, not that of a
 * network that has learned to fire otherwise.
 */
import { parseArgs } from "node:util";
import { Trainer, tasks } from "../ts/index.js";
import { type MedianInterval, medianInterval } from "./statistics.js";
import { writeBlocks } from "./tables.js";

type Parameters = Readonly<Record<string, string | number>>;

interface Option {
  /** With what. */
  with: Parameters;
  /** Without it. */
  without?: Parameters;
}

const sparse = { connectivity: 0.1 };

const options: readonly Option[] = [
  { with: { feedback: "symmetric" } },
  { with: { feedback: "adaptive" } },
  { with: { ...sparse, rewiring: "deep_r" }, without: sparse },
  { with: { ...sparse, rewiring: "prune", rewiring_threshold: 1e-3 }, without: sparse },
  { with: { exc_fraction: 0.8 } },
  { with: { loss: "mean_squared_error" } },
  { with: { loss: "cross_entropy_of_mean" } },
  { with: { label_smoothing: 0.1 } },
  { with: { c_voltage: 1e-2 } },
  { with: { c_l2: 1e-4 } },
  { with: { biases: "readouts", bias_rate: 1e-2 } },
  { with: { biases: "all", bias_rate: 1e-2 } },
  { with: { optimizer: "adamw" } },
];

const textOf = (parameters: Parameters) =>
  Object.entries(parameters)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");

/** Iterations before those that count. */
const warmUp = 2;

/** Milliseconds of `Simulate` for each iteration of two trainings that take turns. */
async function inTurn(settings: readonly Parameters[], iterations: number): Promise<number[][]> {
  const trainers = settings.map((parameters) => {
    const schedule = { iterations: warmUp + iterations, validateEvery: 0, testIterations: 0 };
    return new Trainer(tasks.evidenceAccumulation({ ...schedule, parameters }), { threads: 1 });
  });
  const running = trainers.map((trainer) => trainer[Symbol.asyncIterator]());
  const times = running.map((): number[] => []);
  for (let iteration = 0; iteration < warmUp + iterations; iteration++) {
    for (const [at, training] of running.entries()) {
      const { value } = await training.next();
      if (value === undefined) throw new Error("a training ended early");
      if (iteration >= warmUp) times[at]?.push(value.ms);
    }
  }
  await Promise.all(trainers.map((trainer) => trainer.close()));
  return times;
}

/** How many times as long an iteration takes with an option: the median over all pairs of iterations. */
async function cost(option: Option, pairs: number, iterations: number): Promise<MedianInterval> {
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const both = [option.with, option.without ?? {}];
    // Each is first as often as the other.
    const times = await inTurn(pair % 2 === 0 ? both : both.toReversed(), iterations);
    const [own = [], plain = []] = pair % 2 === 0 ? times : times.toReversed();
    ratios.push(...own.map((ms, at) => ms / (plain[at] ?? Number.NaN)));
  }
  return medianInterval(ratios);
}

const { values } = parseArgs({
  options: {
    pairs: { type: "string", default: "6" },
    iterations: { type: "string", default: "8" },
    only: { type: "string" },
    markdown: { type: "string" },
  },
});
const lines = ["| with | without | times as long | 95 % interval |", "| --- | --- | --- | --- |"];
for (const option of options) {
  if (values.only !== undefined && !textOf(option.with).includes(values.only)) continue;
  const { median, low, high } = await cost(option, Number(values.pairs), Number(values.iterations));
  const without = option.without === undefined ? "" : `\`${textOf(option.without)}\``;
  const [ratio, ...interval] = [median, low, high].map((value) => value.toFixed(3));
  lines.push(`| \`${textOf(option.with)}\` | ${without} | ${ratio} | ${interval.join(" to ")} |`);
  console.log(lines.at(-1));
}
await writeBlocks(values.markdown, new Map([["options", lines.join("\n")]]));
