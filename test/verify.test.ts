/** `verify`: the engine against slow programs that share nothing with it, and that it says so where they differ. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NumpyRandom, type Task, nest, tasks, trainToEnd } from "../ts/index.js";
import {
  type Verification,
  type VerificationData,
  type VerifyOptions,
  verify,
  verifyTask,
} from "../ts/verify/index.js";
import { formOf } from "../ts/verify/losses.js";
import { checkModel } from "../ts/verify/problem.js";
import { shrunkTask } from "../ts/verify/shrink.js";
import { terminalText } from "../ts/verify/text.js";

const random = new NumpyRandom(5);

const membrane = {
  C_m: 1,
  E_L: 0,
  I_e: 0,
  V_m: 0,
  tau_m: 20,
  V_th: 0.4,
  t_ref: 1,
  c_reg: 2,
  f_target: 10,
  regular_spike_arrival: true,
  surrogate_gradient_width: 0.5,
  surrogate_gradient_height: 0.6,
} as const;
const adaptation = { adapt_beta: 0.1, adapt_tau: 50 } as const;
const readout = { C_m: 1, E_L: 0.1, I_e: 0.01, V_m: 0, tau_m: 15, regular_spike_arrival: false } as const;

const [inputs, steps, sequences] = [12, 60, 3];

function data(readouts: number, more: Partial<VerificationData> = {}): VerificationData {
  const spikes = random.spikesBelow(
    new Float64Array(inputs).fill(0.15),
    inputs,
    new Uint32Array(steps * sequences),
  );
  const rows = Array.from({ length: steps * sequences }, (_, row) => row);
  const targets = Array.from({ length: readouts }, (_, k) => ({
    steps: rows,
    values: rows.map((row) => Math.sin(row / 5 + k)),
  }));
  return { steps, sequences, learningWindow: 40, spikes, targets, ...more };
}

/** Two populations that differ in all that neurons can differ in, and one that fires without input. */
const mixed = (): tasks.NetworkDescription => ({
  populations: {
    inputs: { kind: "input", n: inputs },
    plain: {
      kind: "recurrent",
      model: "eprop_iaf_bsshslm_2020",
      n: 3,
      params: [
        { ...membrane, surrogate_gradient_function: "exponential" },
        { ...membrane, surrogate_gradient_function: "fast_sigmoid_derivative", regular_spike_arrival: false },
        { ...membrane, surrogate_gradient_function: "arctan_derivative", V_min: -0.2, tau_m: 10 },
      ],
    },
    adaptive: {
      kind: "recurrent",
      model: "eprop_iaf_adapt_bsshslm_2020",
      n: 4,
      params: { ...membrane, ...adaptation, surrogate_gradient_function: "piecewise_linear" },
    },
    driven: { kind: "recurrent", model: "eprop_iaf_bsshslm_2020", n: 2, params: { ...membrane, I_e: 0.6 } },
    out: {
      kind: "readout",
      model: "eprop_readout_bsshslm_2020",
      n: 2,
      params: { ...readout, loss: "cross_entropy" },
    },
  },
  projections: {
    in_plain: { from: "inputs", to: "plain", weights: nest.random.normal({ std: 0.3 }) },
    in_adaptive: { from: "inputs", to: "adaptive", weights: nest.random.normal({ std: 0.3 }) },
    in_driven: {
      from: "inputs",
      to: "driven",
      weights: nest.random.normal({ std: 0.3 }),
      plastic: false,
      delay: 3,
    },
    among: {
      from: ["plain", "adaptive", "driven"],
      to: ["plain", "adaptive", "driven"],
      weights: nest.random.normal({ std: 0.2 }),
      rule: { rule: "pairwise_bernoulli", p: 0.6 },
      optimizer: { type: "adam", eta: 1e-3, Wmax: 0.5 },
    },
    to_out: {
      from: ["plain", "adaptive", "driven"],
      to: "out",
      weights: nest.random.normal({ std: 0.2 }),
    },
    feedback: { from: "out", to: ["plain", "adaptive", "driven"], weights: nest.random.normal() },
  },
  optimizer: { type: "adam", eta: 5e-3, batch_size: sequences },
  averageGradient: true,
});

const layer = { ...membrane, ...adaptation };
/** One population behind inputs, whose neurons reach each other or do not. */
const pool = (recurrent: boolean): tasks.NetworkDescription => ({
  populations: {
    inputs: { kind: "input", n: inputs },
    hidden: { kind: "recurrent", model: "eprop_iaf_adapt_bsshslm_2020", n: 8, params: layer },
    out: { kind: "readout", model: "eprop_readout_bsshslm_2020", n: 1, params: readout },
  },
  projections: {
    in_hidden: { from: "inputs", to: "hidden", weights: nest.random.normal({ std: 0.3 }) },
    ...(recurrent && {
      among: { from: "hidden", to: "hidden", weights: nest.random.normal({ std: 0.3 }) },
    }),
    to_out: { from: "hidden", to: "out", weights: nest.random.normal({ std: 0.3 }) },
    feedback: { from: "out", to: "hidden", weights: nest.random.normal() },
  },
  optimizer: { type: "gradient_descent", eta: 1e-3 },
});

const probabilities = (): Partial<VerificationData> => {
  const begins = Array.from({ length: sequences }, (_, sequence) => sequence * steps);
  return {
    loss: "cross_entropy",
    targets: [0, 1].map((k) => ({ steps: begins, values: begins.map((_, at) => Number(at % 2 === k)) })),
  };
};

const sineTask: Task = {
  ...tasks.sineWaves({ iterations: 1 }),
  steps,
  learningWindow: 40,
  batchSize: sequences,
};

const failures = ({ checks }: Verification) =>
  checks.filter(({ passed }) => !passed).map(({ what, projection }) => `${what}: ${projection ?? ""}`);

describe("the engine against the definition", () => {
  it("agrees on neurons of all kinds, with delays, edges of intervals and cross entropy", async () => {
    const proof = await verify(mixed(), data(2, probabilities()), { iterations: 3 });
    expect(failures(proof)).toEqual([]);
    expect(proof.passed).toBe(true);
    expect(proof.compared).toBe(4);
    expect(proof.spikes).toBeGreaterThan(100);
    expect(proof.training.map(({ iteration }) => iteration)).toEqual([1, 2, 3]);
    // Neurons that fire by themselves do so in the first step, too, which NEST learns nothing from.
    expect(proof.notes.join()).toContain("first step");
    expect(proof.paths.every(({ rtrl }) => rtrl !== undefined && rtrl < 1e-10)).toBe(true);
    expect(terminalText(proof)).toContain("comparisons agree");
  });

  it.each(["symmetric", "adaptive"] as const)("agrees with %s feedback", async (feedback) => {
    const proof = await verify({ ...pool(true), feedback }, data(1), { iterations: 3, nest: "if-installed" });
    expect(failures(proof)).toEqual([]);
    expect(proof.compared).toBe(3);
    for (const { angle, symmetricAngle } of proof.paths) {
      if (feedback === "symmetric") expect(angle).toBeCloseTo(symmetricAngle ?? Number.NaN, 9);
    }
    expect(proof.nest).toBeUndefined();
  });

  it("leaves signs and rewiring out, and says so", async () => {
    const parameters = { connectivity: 0.3, rewiring: "deep_r", rewiring_l1: 10, exc_fraction: 0.8 } as const;
    const task = tasks.evidenceAccumulation({ batchSize: 4, parameters });
    const cut = { neurons: 10, steps: 200, sequences: 2, iterations: 2 };
    const proof = await verifyTask(task, cut);
    expect(failures(proof)).toEqual([]);
    expect(proof.notes[0]).toMatch(/^signs, rewiring and the cost/);
    const whole = await verifyTask(tasks.evidenceAccumulation({ batchSize: 4 }), cut);
    expect(whole.notes.join()).not.toMatch(/rewiring/);
  });

  it("agrees on tutorials, shrunk", async () => {
    const cut = { neurons: 10, steps: 200, iterations: 1 };
    for (const [task, kept] of [
      [tasks.sineWaves(), 1],
      [tasks.evidenceAccumulation({ batchSize: 4 }), 2],
      [tasks.lemniscate(), 1],
    ] as const) {
      const proof = await verifyTask(task, { ...cut, sequences: kept });
      expect(failures(proof), task.name).toEqual([]);
      expect(proof.compared, task.name).toBe(3);
      expect(proof.slopes.length, task.name).toBe(2);
      expect(proof.shrunk.steps).toBe(true);
    }
  });
});

describe("e-prop+ against its definition", () => {
  const common = {
    C_m: 1,
    E_L: 0.05,
    V_m: 0.1,
    tau_m: 20,
    V_th: 0.4,
    t_ref: 2,
    c_reg: 0.02,
    f_target: 20,
    kappa: 0.9,
    kappa_reg: 0.95,
    surrogate_gradient_width: 0.5,
    eprop_isi_trace_cutoff: 7,
  } as const;
  const network = (
    model: "eprop_iaf" | "eprop_iaf_adapt" | "eprop_iaf_psc_delta" | "eprop_iaf_psc_delta_adapt",
    optimize_each_step: boolean,
  ): tasks.NetworkDescription => ({
    populations: {
      inputs: { kind: "input", n: inputs },
      hidden: {
        kind: "recurrent",
        model,
        n: 6,
        params: {
          ...common,
          I_e: 0.015,
          ...(model.includes("adapt") && adaptation),
          ...(model.includes("delta") && { V_reset: -0.1, refractory_input: optimize_each_step }),
        } as object,
      },
      still: { kind: "recurrent", model, n: 2, params: common },
      out: {
        kind: "readout",
        model: "eprop_readout",
        n: 2,
        params: { C_m: 1, E_L: 0.1, I_e: 0.01, tau_m: 15 },
      },
    },
    projections: {
      in_hidden: { from: "inputs", to: "hidden", weights: nest.random.normal({ std: 0.3 }) },
      in_still: { from: "inputs", to: "still", weights: 0.2, plastic: false, delay: 4 },
      among: {
        from: ["hidden", "still"],
        to: ["hidden", "still"],
        weights: nest.random.normal({ std: 0.2 }),
        optimizer: { Wmax: 0.502, batch_size: 3 },
      },
      to_out: { from: ["hidden", "still"], to: "out", weights: nest.random.normal({ std: 0.2 }) },
      feedback: { from: "out", to: ["hidden", "still"], weights: nest.random.normal() },
    },
    optimizer: { type: "gradient_descent", eta: 1e-3, optimize_each_step },
  });

  it.each([
    ["eprop_iaf", true],
    ["eprop_iaf_adapt", false],
    ["eprop_iaf_psc_delta", false],
    ["eprop_iaf_psc_delta_adapt", true],
  ] as const)("agrees with %s, the optimizer in each step: %s", async (model, eachStep) => {
    const proof = await verify(network(model, eachStep), data(2));
    expect(failures(proof)).toEqual([]);
    expect(proof.passed).toBe(true);
    expect(proof.compared).toBe(3);
    expect(proof.spikes).toBeGreaterThan(50);
  });

  it("finds another cutoff in the engine alone", async () => {
    const proof = await verify(network("eprop_iaf", false), data(2), {
      meddle: ({ readouts }: { readouts: { set(of: object): void } }) =>
        readouts.set({ eprop_isi_trace_cutoff: 3 }),
    } as object);
    expect(failures(proof)).toContain("weights' changes: the engine and the definition: to_out");
  });
});

describe("a gradient that is wrong", () => {
  const cut = { neurons: 10, steps: 200, sequences: 1, iterations: 0 };
  const task = tasks.evidenceAccumulation({ batchSize: 4 });
  const found = async (parameter: string, value: unknown) => {
    const proof = await verifyTask(task, {
      ...cut,
      // Only the engine hears of it: as if its code did something else than it says.
      meddle: ({
        recurrent,
        readouts,
      }: {
        recurrent: { set(of: object): void };
        readouts: { set(of: object): void };
      }) => (parameter === "loss" ? readouts : recurrent).set({ [parameter]: value }),
    } as object);
    expect(proof.passed).toBe(false);
    expect(terminalText(proof)).toMatch(/^OFF: /m);
    return failures(proof);
  };

  it.each([
    ["surrogate_gradient_height", 0.30001],
    ["surrogate_gradient_function", "exponential"],
    ["c_reg", 300.001],
    ["f_target", 10.001],
  ])("is found where %s is %s in the engine alone", async (parameter, value) => {
    const off = await found(parameter, value);
    // The dynamics are as they were, and so are the gradients onto readouts.
    expect(off).toEqual([
      "gradient: the engine and the definition: in_rec",
      "gradient: the engine and the definition: rec_rec",
    ]);
  });

  it("is found where the loss of the readouts is another", async () => {
    const off = await found("loss", "mean_squared_error");
    expect(off.join()).toContain("readout signals");
    expect(off.join()).toContain("differences of the loss along the gradient: rec_out");
  });

  it("may all but vanish where sequences cancel each other", async () => {
    const still = pool(true);
    const quiet = { ...readout, E_L: 0, I_e: 0 };
    const network = {
      ...still,
      populations: {
        ...still.populations,
        out: { kind: "readout", model: "eprop_readout_bsshslm_2020", n: 1, params: quiet } as const,
      },
      projections: {
        ...still.projections,
        to_out: { from: "hidden", to: "out", weights: { data: new Float64Array(8), shape: [1, 8] as const } },
      },
    };
    const one = data(1);
    const spikes = Array.from({ length: sequences }, (_, at) =>
      Array.from(one.spikes)
        .filter((place) => place < steps * inputs)
        .map((place) => place + at * steps * inputs),
    ).flat();
    const targets = [{ steps: [0, steps, 2 * steps], values: [0.1, 0.2, -0.3] }];
    const proof = await verify(network, { ...one, spikes, targets }, { iterations: 0 });
    const norm = proof.projections.find(({ projection }) => projection === "to_out")?.norm ?? 1;
    expect(norm).toBeGreaterThan(0);
    expect(norm).toBeLessThan(1e-12);
    expect(failures(proof)).toEqual([]);
  });

  it("is not taken for right where there is none", async () => {
    const proof = await verify(pool(true), data(1, { spikes: [] }), { iterations: 0 });
    expect(failures(proof)).toEqual([]);
    expect(proof.passed).toBe(false);
    expect(terminalText(proof)).toContain("nothing is proved");
  });
});

describe("backpropagation through time", () => {
  it("is e-prop with symmetric feedback where neurons do not reach each other, and is not where they do", async () => {
    const angles = async (recurrent: boolean) => {
      const all = data(1);
      // What is read in the second step lets a row learn early, without the last learning signal.
      const spikes = Array.from(all.spikes).filter((place) => Math.floor(place / inputs) % steps !== 1);
      const { paths, passed } = await verify(pool(recurrent), { ...all, spikes }, { iterations: 0 });
      expect(passed).toBe(true);
      return paths.find(({ projection }) => projection === "in_hidden");
    };
    const alone = await angles(false);
    expect(alone?.symmetricAngle).toBeLessThan(1e-9);
    expect(alone?.symmetricRatio).toBeCloseTo(1, 12);
    expect(alone?.angle).toBeGreaterThan(1);
    expect((await angles(true))?.symmetricAngle).toBeGreaterThan(0.1);
  });
});

describe("NEST", () => {
  // As other tests that need it: where it is not installed, these are left out.
  const interpreter =
    process.env["PYTHON"] ?? (existsSync(".venv/bin/python") ? ".venv/bin/python" : "python3");
  const { status } = spawnSync(interpreter, ["-c", "import nest, numpy"]);
  const cut = { neurons: 10, steps: 200, iterations: 0, nest: true, python: interpreter } as const;

  it.skipIf(status !== 0)("has the same spikes, readouts and weights after updates", async () => {
    for (const task of [tasks.evidenceAccumulation({ batchSize: 2 }), tasks.sineWavesPlus()]) {
      const proof = await verifyTask(task, cut);
      expect(failures(proof), task.name).toEqual([]);
      expect(proof.nest?.spikes, task.name).toBeGreaterThan(10);
      expect(proof.nest?.weights.map(({ projection }) => projection)).toEqual([
        "in_rec",
        "rec_rec",
        "rec_out",
      ]);
      expect(proof.nest?.weights[0]?.connections, task.name).toBeGreaterThan(100);
      expect(terminalText(proof)).toContain("NEST 3.");
    }
  });

  it.skipIf(status !== 0)(
    "builds networks with names, static projections and parameters per neuron",
    async () => {
      const network = mixed();
      const whole = { ...cut, neurons: 9, steps: 60 };
      // NEST itself ends where neurons fire before there is a history.
      const refused = await verify(network, data(2, probabilities()), whole);
      expect(refused.notes.join()).toContain("NEST, which refuses");
      const { driven } = network.populations;
      const populations = { ...network.populations, driven: { ...driven, params: membrane } };
      const quiet = { ...network, populations } as tasks.NetworkDescription;
      const proof = await verify(quiet, data(2, probabilities()), whole);
      expect(failures(proof)).toEqual([]);
      expect(proof.notes).toEqual([]);
      expect(proof.nest?.weights.length).toBe(4);
    },
  );

  it("is not there in a program that is no Python, which is an error where that was named", async () => {
    const without = { neurons: 5, steps: 50, iterations: 0, python: "no-such-python" } as const;
    await expect(verifyTask(tasks.sineWaves(), { ...without, nest: true })).rejects.toThrow(/no-such-python/);
    // Who names a program wants it to be asked.
    await expect(verifyTask(tasks.sineWaves(), { ...without, nest: "if-installed" })).rejects.toThrow(
      /no-such-python cannot be run as Python/,
    );
  });

  it.skipIf(process.platform === "win32")("is missed before anything is computed, in words", async () => {
    const folder = mkdtempSync(join(tmpdir(), "eprop-"));
    try {
      const python = join(folder, "python");
      writeFileSync(python, "#!/bin/sh\ncat > /dev/null\necho nest numpy\n", { mode: 0o755 });
      const done: string[] = [];
      const options = {
        neurons: 5,
        steps: 50,
        iterations: 0,
        python,
        onProgress: (what: string) => done.push(what),
      };
      await expect(verifyTask(tasks.sineWaves(), { ...options, nest: true })).rejects.toThrow(
        `NEST cannot be asked: ${python} has no nest and no numpy (${python} -m pip install nest-simulator numpy)`,
      );
      expect(done).toEqual([]);
      const { notes } = await verifyTask(tasks.sineWaves(), { ...options, nest: "if-installed" });
      expect(notes.at(-1)).toContain(`not laid beside NEST: ${python} has no nest`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("a projection with an optimizer of its own", () => {
  it.each(["adam", "gradient_descent"] as const)(
    "learns at its own rate from the first update on: %s",
    async (type) => {
      const network = pool(true);
      const { among } = network.projections;
      const own = (eta: number) => ({
        ...network,
        projections: {
          ...network.projections,
          among: { ...among, optimizer: { type, eta, batch_size: sequences } },
        },
      });
      const iteration = { spikes: Uint32Array.from(data(1).spikes), targets: data(1).targets };
      const learned = async (eta: number) => {
        const kernel = { ...sineTask, network: own(eta) as tasks.NetworkDescription, next: () => iteration };
        const { weights } = await trainToEnd(kernel as unknown as Task);
        const [before, after] = [weights.before["among"], weights.after["among"]];
        return Float64Array.from(after?.data ?? [], (value, at) => value - (before?.data[at] as number));
      };
      const [one, twice] = [await learned(1e-3), await learned(2e-3)];
      const most = one.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
      expect(most).toBeGreaterThan(0);
      one.forEach((value, at) =>
        expect(Math.abs(2 * value - (twice[at] as number))).toBeLessThan(1e-9 * most),
      );
    },
  );
});

describe("less of a task", () => {
  it("has the last steps of the first sequences, with the targets that hold there", async () => {
    const task = tasks.evidenceAccumulation({ batchSize: 3, seed: 2 });
    const whole = await task.next("training", { training: 0, test: 0 });
    const again = tasks.evidenceAccumulation({ batchSize: 3, seed: 2 });
    const cut = shrunkTask(again, { neurons: 10, steps: 100, sequences: 2 });
    const part = await cut.next("training", { training: 0, test: 0 });
    expect([cut.steps, cut.learningWindow, cut.batchSize]).toEqual([100, 100, 2]);
    const places = Array.from(whole.spikes).flatMap((place) => {
      const [input, row] = [place % 40, Math.floor(place / 40)];
      const [sequence, step] = [Math.floor(row / task.steps), row % task.steps];
      return sequence < 2 && step >= task.steps - 100
        ? [(sequence * 100 + step - (task.steps - 100)) * 40 + input]
        : [];
    });
    expect([...part.spikes]).toEqual(places);
    expect(part.targets.map(({ steps: changes }) => [...changes])).toEqual([
      [0, 100],
      [0, 100],
    ]);
    expect(Array.from(part.targets[1]?.values ?? [])).toEqual([...(part.labels ?? [])]);
  });

  it("is refused where more is asked for than there is, and where options are wrong", async () => {
    const task = tasks.sineWaves();
    await expect(verifyTask(task, { steps: 2000 })).rejects.toThrow(/steps.*at most 1000/s);
    await expect(verifyTask(task, { sequences: 2 })).rejects.toThrow(/sequences.*at most 1/s);
    await expect(verifyTask(task, { neurons: 0.5 })).rejects.toThrow(/neurons/);
    await expect(verifyTask(task, { neuron: 5 } as object)).rejects.toThrow(/did you mean neurons/);
    const given = data(2, probabilities());
    await expect(verify(mixed(), { ...given, spikes: [5, 4] })).rejects.toThrow(/spikes/);
    await expect(verify(mixed(), { ...given, spikes: [5, 1e6] })).rejects.toThrow(/past the iteration's end/);
    await expect(verify(mixed(), { ...given, targets: undefined } as never)).rejects.toThrow(
      /targets takes a list/,
    );
    await expect(verifyTask(task, { iteration: 1 } as object)).rejects.toThrow(
      /one of neurons, steps, sequences, iterations, nest, python, onProgress, signal; did you mean iterations/,
    );
    await expect(verifyTask(task, 5 as never)).rejects.toThrow(/options/);
  });

  it("refuses losses and models that the slow programs do not know, by their names", () => {
    expect(() => formOf("hinge" as never)).toThrow(/the loss hinge is not verified.*mean_squared_error/);
    expect(() => checkModel("eprop_iaf_psc_exp")).toThrow(/eprop_iaf_psc_exp are not verified/);
  });

  it("looks for a Python that was named before anything else", async () => {
    const done: string[] = [];
    const asked = {
      nest: "if-installed",
      python: "/no/python",
      onProgress: (doing: string) => done.push(doing),
    };
    await expect(verifyTask(tasks.sineWaves(), asked as VerifyOptions)).rejects.toThrow(
      /cannot be run as Python/,
    );
    expect(done).toEqual([]);
  });

  it("says of which projections nothing is proved", async () => {
    const network = pool(true);
    const { feedback: _feedback, ...projections } = network.projections;
    const { c_reg: _c_reg, ...unregularized } = layer;
    const hidden = { ...network.populations["hidden"], params: unregularized } as tasks.PopulationDescription;
    const populations = { ...network.populations, hidden };
    const proof = await verify({ ...network, populations, projections }, data(1));
    expect(proof.passed).toBe(true);
    expect(proof.notes).toContain("nothing is proved of in_hidden, among, whose gradient is zero");
    await expect(verify(mixed(), data(1, { loss: "cross_entropy" }))).rejects.toThrow(/targets/);
  });
});
