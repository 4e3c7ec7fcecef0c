/** What neurons, optimizers and connections of all tasks are like can be set; the defaults are those of the tutorials. */
import { describe, expect, it } from "vitest";
import { type Task, tasks } from "../ts/index.js";
import { optimizers, ownOptimizerParams } from "../ts/nest/models.generated.js";
import { describedNetwork, populationsOf } from "../ts/tasks/network-description.js";

const recordings = { synthetic: true } as const;
const all: Readonly<Record<string, (parameters: object, more?: object) => Task>> = Object.fromEntries(
  tasks.taskTable.map(({ name, options, create }) => [
    name,
    (parameters: object, more: object = {}) =>
      create({ ...(options.includes("synthetic") && recordings), ...more, parameters: parameters as never }),
  ]),
);

const recurrentParams = (task: Task) =>
  populationsOf(describedNetwork(task.network), "recurrent").map(
    ({ params }) => (Array.isArray(params) ? params[0] : params) as Record<string, unknown>,
  );

describe.each(Object.entries(all))("%s", (_name, create) => {
  it("takes surrogate gradients, thresholds, sizes and optimizers", () => {
    const task = create({
      surrogate_gradient_function: "arctan_derivative",
      surrogate_gradient_height: 0.25,
      surrogate_gradient_width: 0.75,
      V_th: 0.9,
      t_ref: 3,
      tau_m_out: 17,
      n_rec: 30,
      optimizer: "adamw",
      beta_1: 0.8,
      weight_decay: 0.1,
      Wmax: 7,
    });
    const network = describedNetwork(task.network);
    for (const params of recurrentParams(task)) {
      expect(params).toMatchObject({
        surrogate_gradient_function: "arctan_derivative",
        surrogate_gradient_height: 0.25,
        surrogate_gradient_width: 0.75,
        V_th: 0.9,
        t_ref: 3,
      });
    }
    expect(populationsOf(network, "recurrent").reduce((sum, { n }) => sum + n, 0)).toBe(30);
    expect(populationsOf(network, "readout")[0]?.params).toMatchObject({ tau_m: 17 });
    expect(network.optimizer).toMatchObject({
      type: "adamw",
      beta_1: 0.8,
      beta_2: 0.999,
      weight_decay: 0.1,
      Wmax: 7,
    });
    expect(task.parameters).toMatchObject({ optimizer: "adamw", V_th: 0.9 });
  });

  it.each(Object.entries(optimizers))("has the parameters of the optimizer %s and no others", (type, of) => {
    const parameters: readonly string[] = of.parameters;
    const { optimizer } = describedNetwork(create({ optimizer: type }).network);
    const own = Object.keys(optimizer).filter((name) => Object.hasOwn(ownOptimizerParams, name));
    expect(own).toEqual(parameters);
    expect(optimizer.type).toBe(type);
    for (const name of Object.keys(ownOptimizerParams)) {
      const given = () => create({ optimizer: type, [name]: 0.25 });
      if (parameters.includes(name)) {
        expect(describedNetwork(given().network).optimizer).toMatchObject({ [name]: 0.25 });
      } else expect(given).toThrow(new RegExp(`${name} has no effect with optimizer=${type}`));
    }
  });

  it("takes whole numbers only of what counts something", () => {
    const { parameters } = tasks.taskTable.find(({ name }) => name === _name) as tasks.TaskEntry;
    const counts = Object.entries(parameters).filter(([, row]) => "whole" in row && row.whole);
    expect(counts.map(([name]) => name)).toContain("n_rec");
    for (const [name, row] of counts) {
      if ("choices" in row) continue;
      expect(Number.isInteger(row.default)).toBe(true);
      expect(() => create({ [name]: row.min + 0.4 })).toThrow(
        new RegExp(`${name} must be a whole number.*value ${row.min + 0.4}.*from ${row.min} to ${row.max}`),
      );
    }
  });

  it("says what is used where values follow others", () => {
    const [params] = recurrentParams(create({}));
    const { V_th, surrogate_gradient_height, surrogate_gradient_width } = create({}).parameters;
    expect(params).toMatchObject({ V_th, surrogate_gradient_height, surrogate_gradient_width });
  });
});

it("lets the scale of surrogate gradients follow the threshold, where the tutorials do", () => {
  const [params] = recurrentParams(tasks.storeRecall({ parameters: { V_th: 2 } }));
  expect(params).toMatchObject({ surrogate_gradient_height: 0.15, surrogate_gradient_width: 2 });
});

it("thins one projection or all", () => {
  const shares = (parameters: object) => {
    const { projections } = describedNetwork(tasks.sineWaves({ parameters }).network);
    return Object.fromEntries(
      Object.entries(projections).map(([name, { weights }]) => {
        const { mask, data } = weights as tasks.Weights;
        const there = mask === undefined ? data.length : mask.reduce((sum, one) => sum + one, 0);
        return [name, Math.round((100 * there) / data.length) / 100];
      }),
    );
  };
  expect(shares({ connectivity_rec_rec: 0.1 })).toEqual({ in_rec: 1, rec_rec: 0.1, rec_out: 1, out_rec: 1 });
  expect(shares({ connectivity: 0.2, connectivity_in_rec: 0.5 })).toEqual({
    in_rec: 0.5,
    rec_rec: 0.2,
    rec_out: 0.2,
    out_rec: 1,
  });
});

it("makes layers, and says what they do not take", () => {
  const { network } = tasks.shd({ synthetic: true, parameters: { layers: 2, n_rec: 12, adaptive: 0.5 } });
  const { populations, projections } = describedNetwork(network);
  expect(Object.keys(populations)).toEqual(["in", "layer_1", "layer_2", "out"]);
  expect(Object.keys(projections)).toContain("layer_1_layer_2");
  const { params } = populations["layer_2"] as tasks.NeuronPopulation;
  expect((params as { adapt_beta: number }[]).filter(({ adapt_beta }) => adapt_beta === 0).length).toBe(6);
  expect(() => tasks.shd({ synthetic: true, parameters: { layers: 2, connectivity: 0.5 } })).toThrow(
    /connectivity.*one layer/,
  );
});

it.each([
  [
    "a default outside its bounds",
    { default: 9, unit: "", min: 0, max: 1, text: "" },
    /default.*value 9.*from 0 to 1/,
  ],
  [
    "bounds in the wrong order",
    { default: 1, unit: "", min: 2, max: 1, text: "" },
    /min is larger.*at most 1/,
  ],
  [
    "a default that is no whole number",
    { default: 1.5, unit: "", min: 0, max: 9, whole: true, text: "" },
    /default.*value 1\.5.*a whole number from 0 to 9/,
  ],
  [
    "a default that is no choice",
    { default: "c", choices: ["a", "b"], text: "" },
    /none of the choices.*one of a, b/,
  ],
])("a table with %s is refused", (_, row, message) => {
  expect(() => tasks.taskParameters("mine", { eta: row })).toThrow(message);
});
