/** Tasks of working memory: groups of inputs fire one after the other, and the answer comes at the end. */
import { wholeRow } from "./network-parameters.js";
import { type Pieces, inSlices } from "../core/event-loop.js";
import { NumpyRandom } from "../random/index.js";
import { concatenated, isWanted } from "./inputs.js";
import type { TaskParameter, TaskParameterValues } from "./parameter.js";
import { checkBatch, commonOptions, ownOptions, taskParameters } from "./options.js";
import { classifierParameters, recurrentClassifier } from "./recurrent-classifier.js";
import type { IterationData, SequenceRange, Task, TaskOptions } from "./task.js";

/** A part of a sequence: which groups of inputs fire, and for how long (ms). */
interface Episode {
  groups: readonly number[];
  length: number;
}

/** Inputs of a group, and the chance that one fires in a step while its group is on. */
const [groupSize, chance] = [20, 0.05];
const classes = 2;

/** Spikes of a sequence; inputs of groups that are off fire at a tenth of the rate. */
function spikesOf(random: NumpyRandom, episodes: readonly Episode[], inputs: number): Uint32Array {
  const table = new Float64Array(episodes.length * inputs);
  const rows: number[] = [];
  episodes.forEach(({ groups: on, length }, episode) => {
    for (let input = 0; input < inputs; input++) {
      const isOn = on.includes(Math.floor(input / groupSize));
      table[episode * inputs + input] = isOn ? chance : chance / 10;
    }
    for (let step = 0; step < length; step++) rows.push(episode);
  });
  return random.spikesBelow(table, inputs, Uint32Array.from(rows)).filter((place) => place >= inputs);
}

/** A trial: what is shown, and the right answer. */
interface Trial {
  episodes: Episode[];
  label: number;
}

/** What is special about a task of this kind. */
interface MemoryTask<P extends Record<string, TaskParameter>> {
  name: string;
  text: string;
  table: P;
  groups: number;
  steps(parameters: TaskParameterValues<P>): { steps: number; learningWindow: number };
  trial(random: NumpyRandom, parameters: TaskParameterValues<P>): Trial;
}

function memoryTask<P extends Record<string, TaskParameter>>(of: MemoryTask<P>, asked: TaskOptions): Task {
  const { name, text, groups } = of;
  const options = ownOptions(asked);
  const { seed, batchSize, schedule } = commonOptions(name, options, {
    iterations: 400,
    batchSize: 64,
    testIterations: 4,
  });
  const parameters = taskParameters(name, of.table, options.parameters as never);
  const { steps, learningWindow } = of.steps(parameters);
  const inputs = groups * groupSize;
  checkBatch(name, batchSize, { steps, inputs, rate: chance, readouts: classes });
  const random = new NumpyRandom(seed);
  function* draw(sequences?: SequenceRange): Pieces<IterationData> {
    const labels = new Uint32Array(batchSize);
    const spikes: Uint32Array[] = [];
    for (let sequence = 0; sequence < batchSize; sequence++) {
      const { episodes, label } = of.trial(random, parameters);
      labels[sequence] = label;
      const places = steps * inputs;
      if (isWanted(sequences, sequence)) {
        spikes.push(spikesOf(random, episodes, inputs).map((place) => place + sequence * places));
      } else {
        random.skip(places);
      }
      yield;
    }
    return {
      spikes: concatenated(spikes),
      labels,
      targets: Array.from({ length: classes }, (_, readout) => ({
        steps: Uint32Array.from(labels, (_label, sequence) => sequence * steps),
        values: Float64Array.from(labels, (label) => Number(label === readout)),
      })),
      ...(sequences && { sequences }),
    };
  }
  return recurrentClassifier({
    name,
    text,
    seed,
    schedule,
    batchSize,
    random,
    inputs,
    classes,
    steps,
    learningWindow,
    parameters: parameters as never,
    options,
    next: (_split, _drawn, signal, sequences) => inSlices(draw(sequences), signal),
  });
}

/** The parameter table of the task store-recall. */
export const storeRecallParameters = {
  ...classifierParameters({ eta: 5e-3, n_rec: 60, adaptive: 1, adapt_tau: 1000, gain_in: 1 }),
  values: wholeRow(5, "", 2, 100, "Values that are shown before the one is asked for"),
  length: wholeRow(100, "ms", 10, 10_000, "Time for which a value is shown"),
};

/** Groups of inputs: the values 0 and 1, the order to store, the order to recall. */
const [store, recall] = [2, 3];

/** Store the value that is shown with an order to store it, and say it when it is asked for. */
export function storeRecall(options: TaskOptions<typeof storeRecallParameters> = {}): Task {
  return memoryTask(
    {
      name: "store-recall",
      text: "Store a value when told to, and say it when asked, other values in between",
      table: storeRecallParameters,
      groups: 4,
      steps: ({ values, length }) => ({
        steps: (values + 1) * length,
        learningWindow: length,
      }),
      trial(random, parameters) {
        const values = random.choice(2, parameters.values);
        const stored = random.choice(values.length, 1)[0] as number;
        const length = parameters.length;
        const episodes: Episode[] = Array.from(values, (value, at) => ({
          groups: at === stored ? [value, store] : [value],
          length,
        }));
        return { episodes: [...episodes, { groups: [recall], length }], label: values[stored] as number };
      },
    },
    options,
  );
}

/** The parameter table of the task delayed-match. */
export const delayedMatchParameters = {
  ...classifierParameters({ eta: 1e-2, n_rec: 100, adaptive: 0.5, adapt_tau: 1000, gain_in: 2 }),
  stimulus: wholeRow(150, "ms", 10, 10_000, "Time for which a stimulus is shown"),
  delay: wholeRow(300, "ms", 0, 100_000, "Time between the two stimuli"),
  answer: wholeRow(150, "ms", 10, 10_000, "Time in which the answer counts"),
};

/** Say whether a second stimulus is the same as the first, after a delay. */
export function delayedMatch(options: TaskOptions<typeof delayedMatchParameters> = {}): Task {
  return memoryTask(
    {
      name: "delayed-match",
      text: "Say whether a stimulus matches the one before a delay",
      table: delayedMatchParameters,
      // The two stimuli, and what asks for the answer.
      groups: 3,
      steps: ({ stimulus, delay, answer }) => ({
        steps: 2 * stimulus + delay + answer,
        learningWindow: answer,
      }),
      trial(random, { stimulus, delay, answer }) {
        const [first, second] = random.choice(2, 2) as unknown as [number, number];
        const episodes = [
          { groups: [first], length: stimulus },
          { groups: [], length: delay },
          { groups: [second], length: stimulus },
          { groups: [2], length: answer },
        ];
        return { episodes, label: Number(first === second) };
      },
    },
    options,
  );
}
