/** Losses: what the engine sums, held against the readouts that it shows, and what it learns, against the definition. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Kernel, NumpyRandom, Trainer, nest, tasks, trainToEnd } from "../ts/index.js";
import { lossNames } from "../ts/nest/losses.js";
import { verify } from "../ts/verify/index.js";
import { resumedAfter } from "./resumed.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-losses-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [inputs, steps, sequences] = [12, 60, 3];
const membrane = { C_m: 1, E_L: 0, V_m: 0, tau_m: 20, V_th: 0.4, c_reg: 2 } as const;

const network = (params: object, ofNeurons: object = {}): tasks.NetworkDescription => ({
  populations: {
    inputs: { kind: "input", n: inputs },
    hidden: {
      kind: "recurrent",
      model: "eprop_iaf_adapt_bsshslm_2020",
      n: 8,
      params: { ...membrane, adapt_beta: 0.1, adapt_tau: 50, ...ofNeurons },
    },
    out: {
      kind: "readout",
      model: "eprop_readout_bsshslm_2020",
      n: 3,
      params: { C_m: 1, E_L: 0.1, V_m: 0, tau_m: 15, regular_spike_arrival: false, ...params },
    },
  },
  projections: {
    in_hidden: { from: "inputs", to: "hidden", weights: nest.random.normal({ std: 0.4 }) },
    among: { from: "hidden", to: "hidden", weights: nest.random.normal({ std: 0.3 }) },
    to_out: { from: "hidden", to: "out", weights: nest.random.normal({ std: 0.3 }) },
    feedback: { from: "out", to: "hidden", weights: nest.random.normal() },
  },
  optimizer: { type: "adam", eta: 5e-3, batch_size: sequences },
  averageGradient: true,
});

/** Inputs, and a target that changes within the learning window: means are not those of its end. */
function data(loss: (typeof lossNames)[number]) {
  const random = new NumpyRandom(5);
  const chances = new Float64Array(inputs).fill(0.15);
  return {
    steps,
    sequences,
    learningWindow: 40,
    loss,
    spikes: random.spikesBelow(chances, inputs, new Uint32Array(steps * sequences)),
    targets: [0, 1, 2].map((k) => ({
      steps: [0, 45, steps, 2 * steps],
      values: [0, 1, 2, 0].map((label) => Number(label === k)),
    })),
  };
}

describe.each(lossNames)("the loss %s", (loss) => {
  it.each([0, 0.2])(
    "has the gradient of the definition and of differences, labels smoothed by %s",
    async (s) => {
      const proof = await verify(network({ loss, label_smoothing: s }), data(loss), { iterations: 3 });
      expect(proof.checks.filter(({ passed }) => !passed)).toEqual([]);
      expect(proof.passed).toBe(true);
    },
  );

  it("is to the bit what the recorded readouts say", async () => {
    const task = tasks.evidenceAccumulation({
      batchSize: 3,
      iterations: 2,
      testIterations: 0,
      parameters: { loss, label_smoothing: 0.1 },
    });
    const trainer = new Trainer(task, { threads: 1 });
    const { kernel, readouts, timeline } = trainer.network;
    const recorder = kernel.Create("multimeter", 1, {
      record_from: ["readout_signal", "target_signal"],
      start: timeline.record,
    });
    kernel.Connect(recorder, readouts);
    const iterations = [];
    for await (const iteration of trainer) iterations.push(iteration);
    const { readout_signal, target_signal } = kernel.takeEvents(recorder);
    await trainer.close();
    const window = task.learningWindow;
    for (const [at, { loss: found, readoutLosses, error }] of iterations.entries()) {
      let [total, wrong] = [0, 0];
      const losses = [0, 0];
      for (let sequence = 0; sequence < task.batchSize; sequence++) {
        const [signals, targets] = [
          [0, 0],
          [0, 0],
        ];
        for (let row = task.steps - window; row < task.steps; row++) {
          const counts = loss !== "cross_entropy_of_mean" ? 1 : row === task.steps - 1 ? window : 0;
          for (const k of [0, 1]) {
            const place = 2 * ((at * task.batchSize + sequence) * task.steps + row) + k;
            const [y, wanted] = [readout_signal?.[place] as number, target_signal?.[place] as number];
            const part = loss === "mean_squared_error" ? 0.5 * (y - wanted) ** 2 : -wanted * Math.log(y);
            total += counts * part;
            losses[k] = (losses[k] as number) + counts * part;
            if (counts === 0) continue;
            signals[k] = (signals[k] as number) + y;
            targets[k] = (targets[k] as number) + wanted;
          }
        }
        if (
          (signals[1] as number) > (signals[0] as number) !==
          (targets[1] as number) > (targets[0] as number)
        )
          wrong += 1;
      }
      const ofSteps = loss === "mean_squared_error" ? 1 : window;
      const ofReadouts = loss === "mean_squared_error" ? 2 : window;
      expect(found).toBe(total / (ofReadouts * task.batchSize));
      expect(readoutLosses).toEqual(losses.map((sum) => sum / (ofSteps * task.batchSize)));
      expect(error).toBe(wrong / task.batchSize);
    }
  });
});

it("goes on from a checkpoint in the middle of a batch's readouts to the same losses", async () => {
  const task = () =>
    tasks.evidenceAccumulation({
      batchSize: 2,
      iterations: 3,
      testIterations: 0,
      parameters: { loss: "cross_entropy_of_mean", label_smoothing: 0.1 },
    });
  const whole = await trainToEnd(task(), { threads: 2 });
  const path = join(folder, "losses.checkpoint");
  const resumed = await resumedAfter(1, path, task, { threads: 1 });
  expect(resumed.iterations.map(({ loss, error }) => [loss, error])).toEqual(
    whole.iterations.map(({ loss, error }) => [loss, error]),
  );
  expect(resumed.result().weights).toEqual(whole.weights);
  await resumed.close();
});

it("has the gradient without what adaptive feedback takes off the readouts' weights", async () => {
  // Nobody fires: there is no gradient onto readouts, beside those onto neurons.
  const quiet = {
    V_th: 50,
    surrogate_gradient_function: "exponential",
    surrogate_gradient_width: 100,
  };
  const of = { ...network({}, quiet), feedback: "adaptive", feedbackDecay: 0.5 } as const;
  const own = { ...of.projections["feedback"], feedback: "adaptive", feedbackDecay: 0.25 } as const;
  const inherits = { ...of.projections["feedback"], feedbackDecay: 0.25 } as const;
  for (const feedback of [of.projections["feedback"], own, inherits]) {
    const described = { ...of, projections: { ...of.projections, feedback } } as tasks.NetworkDescription;
    const proof = await verify(described, data("mean_squared_error"), { iterations: 1 });
    expect(proof.checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(proof.passed).toBe(true);
    expect(proof.projections.find(({ projection }) => projection === "to_out")?.norm).toBe(0);
  }
});

describe("regularization and biases", () => {
  const failures = (proof: Awaited<ReturnType<typeof verify>>) =>
    proof.checks.filter(({ passed }) => !passed);

  it("has the gradient of what voltages cost", async () => {
    const of = data("mean_squared_error");
    const without = await verify(network({}), of, { iterations: 0 });
    const proof = await verify(network({}, { c_voltage: 3 }), of, { iterations: 2 });
    expect(failures(proof)).toEqual([]);
    const norm = ({ projections }: typeof proof) => projections[0]?.norm as number;
    // There are voltages that cost something.
    expect(Math.abs(norm(proof) - norm(without))).toBeGreaterThan(1e-3 * norm(without));
    expect(proof.paths.every(({ rtrl }) => rtrl !== undefined && rtrl < 1e-10)).toBe(true);
  });

  it("has the gradient of currents", async () => {
    const learns = { learns_bias: true, c_voltage: 1 };
    const proof = await verify(network({ learns_bias: true }, learns), data("mean_squared_error"), {
      iterations: 3,
    });
    expect(failures(proof)).toEqual([]);
    const names = new Set(["I_e (recurrent)", "I_e (readout)"]);
    const found = proof.projections.filter(({ projection }) => names.has(projection));
    expect(found.map(({ norm }) => norm > 0)).toEqual([true, true]);
    expect(proof.slopes.filter(({ projection }) => projection === "I_e (readout)")).toHaveLength(2);
  });

  it("has currents learn at a rate of their own", async () => {
    const learns = { learns_bias: true, bias_rate: 0.25 };
    const proof = await verify(
      network({ ...learns, bias_rate: [0.5, 2, 0] }, learns),
      data("mean_squared_error"),
      {
        iterations: 2,
      },
    );
    expect(failures(proof)).toEqual([]);
    const currents = (bias_rate: number, type: "gradient_descent" | "adam") => {
      const kernel = new Kernel();
      kernel.set({ resolution: 1, eprop_update_interval: 20, eprop_learning_window: 20 });
      const readouts = kernel.Create("eprop_readout_bsshslm_2020", 3, { learns_bias: true });
      readouts.set({ bias_rate: [bias_rate, 1, 0] });
      const neuron = kernel.Create("eprop_iaf_bsshslm_2020", 1, { I_e: 1000 });
      const generator = kernel.Create("step_rate_generator", 1, {
        amplitude_times: [1],
        amplitude_values: [1],
      });
      kernel.Connect(generator, readouts, "all_to_all", {
        synapse_model: "rate_connection_delayed",
        receptor_type: 2,
      });
      kernel.SetDefaults("eprop_synapse_bsshslm_2020", { optimizer: { type, eta: 2 ** -10 } });
      kernel.Connect(neuron, readouts, "all_to_all", {
        synapse_model: "eprop_synapse_bsshslm_2020",
        weight: 0.1,
      });
      kernel.Simulate(65);
      return readouts.get("I_e") as number[];
    };
    for (const type of ["gradient_descent", "adam"] as const) {
      const [faster, plain, still] = currents(2, type) as [number, number, number];
      expect(still).toBe(0);
      expect(plain).toBeGreaterThan(0);
      expect(faster).toBeGreaterThan(1.9 * plain);
      expect(faster).toBeLessThan(2.1 * plain);
      expect(currents(1, type)).toEqual([plain, plain, 0]);
    }
  });

  it("has currents learn as the first plastic connections do, whatever is connected later", () => {
    const currents = (later: boolean) => {
      const kernel = new Kernel();
      kernel.set({ resolution: 1, eprop_update_interval: 20, eprop_learning_window: 20 });
      const readout = kernel.Create("eprop_readout_bsshslm_2020", 1, { learns_bias: true });
      const neurons = kernel.Create("eprop_iaf_bsshslm_2020", 2, {
        learns_bias: true,
        E_L: 0,
        V_m: 0,
        V_th: 0.6,
        surrogate_gradient_width: 1,
      });
      const stimuli = kernel.Create("parrot_neuron", 2);
      const target = kernel.Create("step_rate_generator", 1, {
        amplitude_times: [1],
        amplitude_values: [1],
      });
      kernel.Connect(target, readout, {}, { synapse_model: "rate_connection_delayed", receptor_type: 2 });
      kernel.Connect(
        readout,
        neurons,
        {},
        { synapse_model: "eprop_learning_signal_connection_bsshslm_2020" },
      );
      const first = kernel.CopyModel("eprop_synapse_bsshslm_2020", "first", {
        optimizer: { type: "adam", eta: 0.5 },
      });
      const afterwards = kernel.CopyModel("eprop_synapse_bsshslm_2020", "later", {
        optimizer: { eta: 2 ** -20 },
      });
      kernel.Connect(neurons, neurons, {}, { synapse_model: first, weight: 0 });
      kernel.Connect(neurons, readout, {}, { synapse_model: first, weight: 0 });
      if (later) {
        // Input comes before recurrence in the order of summation.
        kernel.Connect(stimuli, neurons, {}, { synapse_model: afterwards, weight: 0 });
        kernel.Connect(stimuli, readout, {}, { synapse_model: afterwards, weight: 0 });
      }
      kernel.Simulate(65);
      return [neurons.get("I_e"), readout.get("I_e")];
    };
    const alone = currents(false);
    expect(alone.flat().every((current) => Math.abs(current as number) > 0.1)).toBe(true);
    expect(currents(true)).toEqual(alone);
  });

  it("refuses a bias that has no optimizer, and patience with one", async () => {
    const { projections, ...rest } = network({}, { learns_bias: true });
    const still = Object.fromEntries(
      Object.entries(projections).map(([name, of]) => [
        name,
        name === "to_out" || name === "feedback" ? of : { ...of, plastic: false },
      ]),
    );
    await expect(verify({ ...rest, projections: still }, data("mean_squared_error"))).rejects.toThrow(
      /first plastic connections.*learns_bias/,
    );
    const task = tasks.evidenceAccumulation({
      validateEvery: 1,
      patience: 1,
      parameters: { biases: "readouts" },
    });
    expect(() => new Trainer(task).network).toThrow(/patience/);
  });

  const trained = (parameters: object, threads = 1, batchSize = 3) =>
    trainToEnd(tasks.evidenceAccumulation({ batchSize, iterations: 3, testIterations: 0, parameters }), {
      threads,
    });

  it("is the same with any number of threads, and counts", async () => {
    const parameters = { biases: "all", c_voltage: 0.01, c_l2: 1e-3 };
    const [one, two] = [await trained(parameters), await trained(parameters, 2)];
    expect(two.weights.after).toEqual(one.weights.after);
    expect(two.iterations.map(({ loss }) => loss)).toEqual(one.iterations.map(({ loss }) => loss));
    const plain = await trained({});
    expect(plain.iterations[2]?.loss).not.toBe(one.iterations[2]?.loss);
  });

  it("goes on from a checkpoint with its currents", async () => {
    const path = join(folder, "biases.checkpoint");
    const task = () => tasks.sineWaves({ iterations: 4, parameters: { biases: "all", c_voltage: 0.01 } });
    const whole = new Trainer(task(), { threads: 2 });
    for await (const _ of whole);
    const resumed = await resumedAfter(2, path, task, { threads: 1 });
    const currents = (of: Trainer) => of.network.recurrent.get("I_e") as number[];
    expect(currents(resumed)).toEqual(currents(whole));
    expect(new Set(currents(whole)).size).toBeGreaterThan(10);
    expect(resumed.result().weights).toEqual(whole.result().weights);
    for (const of of [whole, resumed]) await of.close();
  });

  it("makes weights smaller where their squares cost, with every spike too", async () => {
    const size = ({ weights }: Awaited<ReturnType<typeof trained>>) =>
      weights.after.rec_rec.data.reduce((sum, weight) => sum + weight * weight, 0);
    expect(size(await trained({ c_l2: 10 }))).toBeLessThan(size(await trained({})));
    const plus = (c_l2: number) => {
      const task = tasks.sineWavesPlus({ iterations: 2 });
      const { optimizer } = task.network;
      return trainToEnd({ ...task, network: { ...task.network, optimizer: { ...optimizer, c_l2 } } });
    };
    expect(size(await plus(1e3))).toBeLessThan(size(await plus(0)));
  });
});
