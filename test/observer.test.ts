import { describe, expect, it } from "vitest";
import { type SequenceSample, tasks, train, trainToEnd } from "../ts/index.js";

describe("an observer", () => {
  it.each([
    ["weights that change once an interval", 4, () => tasks.sineWaves({ iterations: 12 })],
    ["weights that change with every spike", 2, () => tasks.sineWavesPlus({ iterations: 5 })],
    [
      "phases",
      4,
      () => tasks.evidenceAccumulation({ iterations: 2, batchSize: 3, testIterations: 1, validateEvery: 1 }),
    ],
  ])("sees what happens and changes no bit of it: %s", async (_, delay, task) => {
    const samples: SequenceSample[] = [];
    const plain = await trainToEnd(task());
    const observed = await trainToEnd(task(), {
      record: true,
      observer: { wants: () => true, sample: (sample) => samples.push(sample) },
    });
    expect(observed.iterations.map(({ loss }) => loss)).toEqual(plain.iterations.map(({ loss }) => loss));
    expect(observed.weights.after).toEqual(plain.weights.after);
    expect(samples.length).toBeGreaterThan(1);
    const first = samples[0] as SequenceSample;
    const { steps } = observed.task;
    // What the run's own recorders saw of the same sequence.
    const { senders = [], times = [] } = observed.recorded.spikes_rec ?? {};
    const spikes = Array.from(times, (time, at) => [time, (senders[at] as number) - 1]);
    const begin = (first.iteration - 1) * steps * observed.task.batchSize;
    const offset = observed.network.inputs;
    const seen = Array.from(first.recurrent.times, (time, at) => [
      time + begin,
      (first.recurrent.neurons[at] as number) + offset,
    ]);
    expect(first.iteration).toBe(1);
    expect(seen.length).toBeGreaterThan(10);
    expect(seen).toEqual(spikes.filter(([time = 0]) => time <= steps));
    const signal = observed.recorded.readouts?.target_signal ?? [];
    expect(first.signals.target).toHaveLength(steps * first.readouts);
    // Targets arrive so many steps after the begin of a sequence.
    const late = (values: ArrayLike<number>) => Array.from(values).slice(0, 500);
    expect(late(first.signals.target)).toEqual(
      Array.from(signal)
        .slice(delay * first.readouts)
        .slice(0, 500),
    );
  });
  it("costs no sample it does not want", async () => {
    const observer = { wants: () => false, sample: () => expect.unreachable() };
    expect((await trainToEnd(tasks.sineWaves({ iterations: 3 }), { observer })).iterations).toHaveLength(3);
  });
});

describe("finishing", () => {
  it("ends after the next iteration, with everything recorded", async () => {
    const finish = new AbortController();
    const training = train(tasks.sineWaves({ iterations: 1000 }), { record: true, finish: finish.signal });
    let next = await training.next();
    finish.abort();
    while (!next.done) next = await training.next();
    const { iterations, recorded, ended, task } = next.value;
    expect(ended).toBe("request");
    expect(iterations.length).toBeLessThan(110);
    // As in a run that was planned to be so long.
    const planned = await trainToEnd(tasks.sineWaves({ iterations: iterations.length }), { record: true });
    expect(planned.ended).toBe("schedule");
    expect(recorded.readouts?.times?.at(-1)).toBe(iterations.length * task.steps);
    // Weights are noted as often as the planned length allows.
    const events = (of: typeof recorded) =>
      Object.entries(of).filter(([recorder]) => !recorder.startsWith("weights_"));
    expect(events(recorded)).toEqual(events(planned.recorded));
    expect(next.value.weights).toEqual(planned.weights);
  });
  it("leaves out what is left of every phase", async () => {
    const options = { iterations: 4, batchSize: 2, testIterations: 5, validateEvery: 2, earlyStop: false };
    const phases = async (after: number) => {
      const finish = new AbortController();
      const { iterations, ended } = await trainToEnd(tasks.evidenceAccumulation(options), {
        finish: finish.signal,
        onIteration: ({ iteration }) => iteration === after && finish.abort(),
      });
      return [...iterations.map(({ phase }) => phase.slice(0, 2)), ended].join(" ");
    };
    expect(await phases(2)).toBe("va tr tr tr request");
    expect(await phases(7)).toBe("va tr tr va tr tr te te te request");
    expect(await phases(99)).toBe("va tr tr va tr tr te te te te te schedule");
  });
});
