/** Checks of what a task says of its network, in its own words. */
import {
  type Check,
  dictionary,
  fields,
  flag,
  given,
  instance,
  isTyped,
  list,
  number,
  numbers,
  oneOf,
  optional,
  refuse,
  refuseOthers,
  text,
  u32,
  whole,
} from "../core/arguments.js";
import type { Pieces } from "../core/event-loop.js";
import { dynamicsOf, modelsWith } from "../nest/dynamics.js";
import { defaultFeedback, feedbackFacts } from "../nest/feedback.js";
import { isRandomParameter, randomParameter } from "../nest/random.js";
import { defaultRewiring, rewires, rewiringFacts } from "../nest/rewiring.js";
import { NumpyRandom } from "../random/index.js";
import {
  type InputPopulation,
  type NetworkDescription,
  type NeuronPopulation,
  type PoolDescription,
  type PopulationDescription,
  type ProjectionDescription,
  type ReadoutPopulation,
  type Weights,
  projectionShape,
  describedNetwork,
  feedbackKeys,
  rewiringKeys,
  rewiringOfProjection,
} from "./network-description.js";
import { choices } from "../nest/models.generated.js";
import { feedbackSources } from "./learning-parameters.js";
import type { Task } from "./task.js";
import { defaultLoss } from "../nest/losses.js";

/** Models of recurrent neurons and of their readouts that learn by the same rule. */
interface Family {
  recurrent: readonly string[];
  readouts: readonly string[];
}

const families: readonly Family[] = (["interval", "plus"] as const).map((rule) => ({
  recurrent: modelsWith({ role: "recurrent", rule }),
  readouts: modelsWith({ role: "readout", rule }),
}));

export const anObject: Check<Record<string, unknown>> = {
  allowed: "an object",
  read(value, at) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(at, value, this.allowed);
    return value as Record<string, unknown>;
  },
};

/** Most nodes. */
const count = whole(1, u32);

const populationOf = (...names: readonly string[]) =>
  fields({ model: oneOf(...names), n: count, params: dictionary });

/** The names that a description has, each of them: one that is missing here does not compile. */
const namesOf = <Of>(all: Readonly<Record<keyof Of, unknown>>): readonly string[] => Object.keys(all);
const entries = {
  pool: namesOf<PoolDescription>({
    ...feedbackKeys,
    ...rewiringKeys,
    inputs: true,
    recurrent: true,
    readout: true,
    weights: true,
    optimizer: true,
    averageGradient: true,
  }),
  network: namesOf<NetworkDescription>({
    ...feedbackKeys,
    ...rewiringKeys,
    populations: true,
    projections: true,
    optimizer: true,
    averageGradient: true,
  }),
  population: {
    input: namesOf<InputPopulation>({ kind: true, n: true }),
    recurrent: namesOf<NeuronPopulation>({ kind: true, model: true, n: true, params: true }),
    readout: namesOf<ReadoutPopulation>({ kind: true, model: true, n: true, params: true }),
  },
  projection: namesOf<ProjectionDescription>({
    ...feedbackKeys,
    ...rewiringKeys,
    from: true,
    to: true,
    weights: true,
    rule: true,
    delay: true,
    plastic: true,
    optimizer: true,
  }),
  weights: namesOf<Weights>({ data: true, shape: true, mask: true }),
};

/** Numbers that are looked at in one piece. */
const pieceLength = 1 << 16;

export function* networkChecked(task: Task): Pieces<void> {
  const learned = yield* descriptionChecked(task.network);
  given("random", task.random, instance(NumpyRandom, "a NumpyRandom"));
  given("parameters", task.parameters, dictionary);
  for (const readout of learned) checkLoss(task, readout);
  checkPatience(task);
}

/** Readouts with the loss that they learn by. */
interface Learned {
  model: string;
  params: Record<string, unknown>;
}

/**
 * Checks a network by itself, in its full or its short form. Gives its readouts.
 *
 * @throws {@link NESTError} that names what is not there, of another kind, or does not fit the rest.
 */
export function* descriptionChecked(described: unknown): Pieces<Learned[]> {
  const network = given("network", described, anObject);
  const readouts = "populations" in network ? yield* describedChecked(network) : yield* poolChecked(network);
  checkSparse(network as unknown as NetworkDescription | PoolDescription);
  return readouts;
}

/** Refuses to rewire projections that have all connections. */
function checkSparse(described: NetworkDescription | PoolDescription): void {
  const network = describedNetwork(described);
  for (const [name, { weights, rule }] of Object.entries(network.projections)) {
    const { rewiring } = rewiringOfProjection(network, name);
    if (!rewires(rewiring)) continue;
    const { takesAway } = rewiringFacts(rewiring);
    const at = "populations" in described ? `network.projections.${name}` : `network.weights.${name}`;
    const isMatrix = typeof weights === "object" && "data" in weights;
    const hasAll = isMatrix
      ? (weights.mask?.every((is) => is !== 0) ?? true)
      : (rule?.rule ?? "all_to_all") === "all_to_all";
    // Of a matrix, connections may be pruned one by one.
    if (!hasAll || (isMatrix && takesAway)) continue;
    refuse(
      isMatrix ? `${at}.mask` : `${at}.rule`,
      isMatrix ? weights.mask : rule,
      takesAway ? singles : fewer,
      {
        code: "ValueError",
        message: takesAway
          ? `the projection ${name} has no connections that go one by one, which rewiring ${rewiring} needs`
          : `the projection ${name} has all connections, so rewiring ${rewiring} finds none to replace others`,
      },
    );
  }
}

/** What leaves room for connections that replace others. */
const fewer =
  "a mask or a rule that leaves connections out (of a task, --set connectivity or connectivity_* below 1), or rewiring of single projections";

/** What has connections that may go one by one. */
const singles = "a matrix of weights, or a rule that leaves connections out";

/** Checks a network in its short form. */
function* poolChecked(network: Record<string, unknown>): Pieces<Learned[]> {
  refuseOthers("network", network, entries.pool);
  const inputs = given("network.inputs", network["inputs"], count);
  const recurrentNames = families.flatMap(({ recurrent }): readonly string[] => recurrent);
  const populations = given(
    "network.recurrent",
    network["recurrent"],
    list(populationOf(...recurrentNames), "a list of populations"),
  );
  const [first] = populations;
  if (first === undefined) {
    refuse("network.recurrent", populations, "at least one population", {
      code: "ValueError",
      message: "there are no recurrent neurons",
    });
  }
  const family = families.find(({ recurrent }) => recurrent.some((name) => name === first.model));
  populations.forEach(({ model }, at) =>
    given(`network.recurrent[${at}].model`, model, oneOf(...(family?.recurrent ?? []))),
  );
  const readout = given("network.readout", network["readout"], populationOf(...(family?.readouts ?? [])));
  const neurons = populations.reduce((sum, { n }) => sum + n, 0);
  const weights = given("network.weights", network["weights"], anObject);
  const shapes: Record<keyof PoolDescription["weights"], [number, number]> = {
    in_rec: [neurons, inputs],
    rec_rec: [neurons, neurons],
    rec_out: [readout.n, neurons],
    out_rec: [neurons, readout.n],
  };
  refuseOthers("network.weights", weights, Object.keys(shapes));
  for (const [name, shape] of Object.entries(shapes)) {
    yield;
    yield* checkWeights(`network.weights.${name}`, weights[name], shape);
  }
  given("network.optimizer", network["optimizer"], dictionary);
  given("network.averageGradient", network["averageGradient"], flag);
  checkFeedback("network", network, family);
  checkRewiring("network", network, family);
  return [readout];
}

/** The weights of the best validation are kept: neither currents that learn nor connections that change are. */
function checkPatience(task: Task): void {
  if ((task.schedule.patience ?? 0) === 0) return;
  const network = describedNetwork(task.network);
  for (const name of Object.keys(network.projections)) {
    const { rewiring } = rewiringOfProjection(network, name);
    if (!rewires(rewiring)) continue;
    const bound = `0, or connections that stay (rewiring ${defaultRewiring})`;
    refuse("schedule.patience", task.schedule.patience, bound, {
      code: "NotImplemented",
      message: `with rewiring ${rewiring} the connections of ${name} change, and only weights go back to those of the best validation`,
    });
  }
  const learns = Object.entries(network.populations).find(
    ([, of]) =>
      of.kind !== "input" &&
      [of.params ?? {}].flat().some((params) => "learns_bias" in params && params.learns_bias === true),
  );
  if (learns === undefined) return;
  refuse(
    "schedule.patience",
    task.schedule.patience,
    "0, or currents that do not learn (of a task, --set biases=none)",
    {
      code: "NotImplemented",
      message: `currents of ${learns[0]} learn, and only weights go back to those of the best validation`,
    },
  );
}

/** A task is measured by the loss that its readouts learn by. */
function checkLoss(task: Task, { model, params }: Learned): void {
  const learned = dynamicsOf(model)?.rule === "interval" ? (params["loss"] ?? defaultLoss) : defaultLoss;
  if (task.loss === learned) return;
  refuse("loss", task.loss, `${String(learned)}, the loss of ${model}`, {
    code: "ValueError",
    message: "the task is measured by another loss than its readouts learn by",
  });
}

function* checkWeights(at: string, value: unknown, [rows, columns]: readonly [number, number]): Pieces<void> {
  const weights = given(at, value, anObject);
  refuseOthers(at, weights, entries.weights);
  const { data, shape, mask } = weights;
  const wanted = `${rows} rows (targets) of ${columns} numbers (sources)`;
  if (!Array.isArray(shape) || shape.length !== 2 || shape[0] !== rows || shape[1] !== columns) {
    refuse(`${at}.shape`, Array.isArray(shape) ? `${shape.join("x")}` : shape, wanted, {
      code: "ValueError",
      message: "the weights do not fit the network",
    });
  }
  const all = given(`${at}.data`, data, numbers);
  const places: [string, ArrayLike<unknown>][] = [[`${at}.data`, all]];
  if (mask !== undefined) {
    const marks =
      isTyped(mask) || Array.isArray(mask) ? mask : refuse(`${at}.mask`, mask, "a list of 0 and 1");
    places.push([`${at}.mask`, marks]);
  }
  for (const [name, { length }] of places) {
    if (length === rows * columns) continue;
    refuse(name, `${length} numbers`, `${rows * columns} numbers: ${wanted}`, {
      code: "ValueError",
      message: "the weights do not fit the network",
    });
  }
  for (let place = 0; place < all.length; place++) {
    if (!Number.isFinite(all[place])) {
      refuse(`${at}.data[${place}]`, all[place], "a finite number", {
        code: "ValueError",
        message: `the weight in row ${Math.floor(place / columns)}, column ${place % columns} is no finite number`,
      });
    }
    if (place % pieceLength === pieceLength - 1) yield;
  }
}

const names: Check<string | readonly string[]> = {
  allowed: "the name of a population, or a list of names",
  read(value, at) {
    if (typeof value === "string") return value;
    const all = list(text, this.allowed).read(value, at);
    return all.length > 0 ? all : refuse(at, value, this.allowed);
  },
};

/** A name that files and tables can carry. */
function checkName(at: string, name: string): void {
  if (/^[A-Za-z_]\w*$/.test(name)) return;
  refuse(at, name, "letters, digits and underscores, not a digit first", {
    code: "ValueError",
    message: "a name has other characters",
  });
}

/** Names that recorders of a training have besides those of populations. */
const reserved = ["spikes_in", "spikes_rec"];

const parametersOf = (n: number): Check<unknown> => ({
  allowed: `a dictionary, or a list of ${n}`,
  read(value, at) {
    if (!Array.isArray(value)) return dictionary.read(value, at);
    const all = list(dictionary, this.allowed).read(value, at);
    if (all.length !== n) {
      refuse(at, `${all.length} dictionaries`, this.allowed, {
        code: "IndexError",
        message: "there is not one dictionary for each neuron",
      });
    }
    return all;
  },
});

/** Checks the populations of a network and that all are of one family. */
function checkPopulations(described: unknown): PopulationDescription[] {
  const populations = Object.entries(given("network.populations", described, anObject));
  let family: Family | undefined;
  for (const [name, value] of populations) {
    const at = `network.populations.${name}`;
    checkName(at, name);
    if (reserved.includes(name)) refuse(at, name, `another name than ${reserved.join(", ")}`);
    const population = given(at, value, anObject);
    const kind = given(`${at}.kind`, population["kind"], oneOf("input", "recurrent", "readout"));
    refuseOthers(at, population, entries.population[kind]);
    const n = given(`${at}.n`, population["n"], count);
    if (kind === "input") continue;
    if (kind === "readout") {
      const wanted = (family === undefined ? families : [family]).flatMap(({ readouts }) => readouts);
      const model = given(`${at}.model`, population["model"], oneOf(...wanted));
      family ??= families.find(({ readouts }) => readouts.includes(model));
    } else {
      const wanted = (family === undefined ? families : [family]).flatMap(({ recurrent }) => recurrent);
      const model = given(`${at}.model`, population["model"], oneOf(...wanted));
      family ??= families.find(({ recurrent }) => recurrent.includes(model));
    }
    given(`${at}.params`, population["params"], optional(parametersOf(n)));
  }
  const all = populations.map(([, population]) => population as PopulationDescription);
  for (const kind of ["input", "recurrent", "readout"] as const) {
    if (all.some((population) => population.kind === kind)) continue;
    refuse(
      "network.populations",
      populations.map(([name]) => name).join(", "),
      `at least one of kind ${kind}`,
      {
        code: "ValueError",
        message: `there is no population of kind ${kind}`,
      },
    );
  }
  return all;
}

/** What may project to what. */
const targetsOf = {
  input: ["recurrent"],
  recurrent: ["recurrent", "readout"],
  readout: ["recurrent"],
} as const;

/** Names and kind of the populations at an end of a projection. */
function checkEnd(
  { populations }: NetworkDescription,
  at: string,
  value: unknown,
): { kind: PopulationDescription["kind"]; names: readonly string[] } {
  const ended = given(at, value, names);
  const all = typeof ended === "string" ? [ended] : ended;
  const kinds = all.map((name) => {
    const found = Object.hasOwn(populations, name) ? populations[name] : undefined;
    if (found !== undefined) return found.kind;
    return refuse(at, name, `one of ${Object.keys(populations).join(", ")}`, {
      code: "ValueError",
      message: "the network has no such population",
    });
  });
  const kind = kinds[0] as PopulationDescription["kind"];
  const other = kinds.findIndex((of) => of !== kind);
  if (other >= 0) {
    refuse(at, all[other], `populations of kind ${kind} alone`, {
      code: "ValueError",
      message: "an end of a projection has populations of several kinds",
    });
  }
  return { kind, names: all };
}

/** Checks what a projection says of its synapses. */
function* checkSynapses(
  network: NetworkDescription,
  at: string,
  of: Record<string, unknown>,
  feedback: boolean,
): Pieces<void> {
  given(`${at}.plastic`, of["plastic"], optional(flag));
  if (feedback && of["plastic"] === true) {
    refuse(`${at}.plastic`, true, "false, or left out", {
      code: "ValueError",
      message: "feedback does not learn",
    });
  }
  given(
    `${at}.delay`,
    of["delay"],
    optional(number({ min: Number.MIN_VALUE, max: Number.MAX_VALUE }, "a number above 0")),
  );
  given(`${at}.optimizer`, of["optimizer"], optional(dictionary));
  given(`${at}.rule`, of["rule"], optional(dictionary));
  const weights = of["weights"];
  if (typeof weights === "number") {
    given(
      `${at}.weights`,
      weights,
      number({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE }, "a finite number"),
    );
  } else if (typeof weights === "object" && weights !== null && isRandomParameter(weights)) {
    given(`${at}.weights`, weights, randomParameter);
  } else {
    if (of["rule"] !== undefined) {
      refuse(`${at}.rule`, of["rule"], "left out: a matrix takes a mask", {
        code: "ValueError",
        message: "a matrix of weights says itself which connections there are",
      });
    }
    yield* checkWeights(
      `${at}.weights`,
      weights,
      projectionShape(network, of as unknown as ProjectionDescription),
    );
  }
}

/** Checks what weights keep to, and which connections there are. */
function checkRewiring(at: string, of: Record<string, unknown>, family: Family | undefined): void {
  const rewiring = given(`${at}.rewiring`, of["rewiring"], optional(oneOf(...choices.rewiring)));
  const keeps = given(`${at}.keepsSign`, of["keepsSign"], optional(flag));
  const { rewiring: _which, keepsSign: _keeps, ...numbersOf } = rewiringKeys;
  for (const name of Object.keys(numbersOf)) {
    given(`${at}.${name}`, of[name], optional(number({ min: 0, max: Number.MAX_VALUE })));
  }
  const perInterval = family?.readouts.includes("eprop_readout_bsshslm_2020") ?? true;
  if (perInterval || (!rewires(rewiring) && keeps !== true)) return;
  const [name, value] = keeps === true ? ["keepsSign", keeps] : ["rewiring", rewiring];
  refuse(`${at}.${name}`, value, "left out, or models whose weights change once an update interval", {
    code: "NotImplemented",
    message: "with e-prop+, connections stay and weights change their sign",
  });
}

/** Checks what the weights of a projection keep to, if they learn. */
function checkProjectionRewiring(
  at: string,
  of: Record<string, unknown>,
  stays: boolean,
  family: Family | undefined,
): void {
  checkRewiring(at, of, family);
  const said = Object.keys(rewiringKeys).find((name) => of[name] !== undefined);
  if (!stays || said === undefined) return;
  refuse(`${at}.${said}`, of[said], "left out", {
    code: "ValueError",
    message: "only weights that learn keep their sign or lose their connections",
  });
}

/** Checks where the weights of feedback come from. */
function checkFeedback(at: string, of: Record<string, unknown>, family: Family | undefined): void {
  const source = given(`${at}.feedback`, of["feedback"], optional(oneOf(...feedbackSources)));
  given(`${at}.feedbackDecay`, of["feedbackDecay"], optional(number({ min: 0, max: 1 })));
  const perInterval = family?.readouts.includes("eprop_readout_bsshslm_2020") ?? true;
  if (perInterval || !feedbackFacts(source).changes) return;
  const bound = `${defaultFeedback}, or models whose weights change once an update interval`;
  refuse(`${at}.feedback`, source, bound, {
    code: "NotImplemented",
    message: "with e-prop+, the weights of feedback stay",
  });
}

/** Checks where the weights of a projection come from, if it is feedback. */
function checkProjectionFeedback(
  at: string,
  of: Record<string, unknown>,
  isFeedback: boolean,
  family: Family | undefined,
): void {
  checkFeedback(at, of, family);
  for (const name of isFeedback ? [] : Object.keys(feedbackKeys)) {
    if (of[name] === undefined) continue;
    refuse(`${at}.${name}`, of[name], "left out", {
      code: "ValueError",
      message: "only projections from readouts to recurrent neurons are feedback",
    });
  }
}

/** Checks a network that is described by named populations and projections. */
function* describedChecked(value: Record<string, unknown>): Pieces<Learned[]> {
  const readouts: Learned[] = [];
  for (const population of checkPopulations(value["populations"])) {
    if (population.kind === "readout") {
      const each = Array.isArray(population.params) ? population.params : [population.params ?? {}];
      for (const params of each) readouts.push({ model: population.model, params });
    }
  }
  const network = value as unknown as NetworkDescription;
  refuseOthers("network", value, entries.network);
  given("network.optimizer", value["optimizer"], dictionary);
  given("network.averageGradient", value["averageGradient"], optional(flag));
  const family = families.find(({ readouts: known }) => readouts.some(({ model }) => known.includes(model)));
  checkFeedback("network", value, family);
  checkRewiring("network", value, family);
  const pairs = new Map<string, string>();
  for (const [name, projection] of Object.entries(
    given("network.projections", value["projections"], anObject),
  )) {
    const at = `network.projections.${name}`;
    checkName(at, name);
    const of = given(at, projection, anObject);
    refuseOthers(at, of, entries.projection);
    const [from, to] = [checkEnd(network, `${at}.from`, of["from"]), checkEnd(network, `${at}.to`, of["to"])];
    const allowed: readonly string[] = targetsOf[from.kind];
    if (!allowed.includes(to.kind)) {
      refuse(`${at}.to`, to.names.join(", "), `populations of kind ${allowed.join(" or ")}`, {
        code: "ValueError",
        message: `no projection goes from populations of kind ${from.kind} to those of kind ${to.kind}`,
      });
    }
    for (const pair of from.names.flatMap((a) => to.names.map((b) => `${a} to ${b}`))) {
      const other = pairs.get(pair);
      if (other !== undefined) {
        refuse(at, pair, "populations that no other projection connects", {
          code: "ValueError",
          message: `the projection ${other} connects the same populations`,
        });
      }
      pairs.set(pair, name);
    }
    yield* checkSynapses(network, at, of, from.kind === "readout");
    checkProjectionFeedback(at, of, from.kind === "readout", family);
    checkProjectionRewiring(at, of, from.kind === "readout" || of["plastic"] === false, family);
    yield;
  }
  return readouts;
}
