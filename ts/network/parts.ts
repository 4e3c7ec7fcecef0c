import { type Check, dictionary, given, list, oneOf, refuse, text, whole } from "../core/arguments.js";

/** A population of a network as files name it. */
export interface NamedPopulation {
  name: string;
  kind: "input" | "recurrent" | "readout";
  model: string;
  n: number;
  /** Node id of the first; the others follow. */
  first: number;
}

/** A projection of a network as files name it. */
export interface NamedProjection {
  name: string;
  kind: "plastic" | "static" | "feedback";
  from: readonly string[];
  to: readonly string[];
}

/** What a network's nodes and connections are called. */
export interface NetworkParts {
  populations: readonly NamedPopulation[];
  projections: readonly NamedProjection[];
}

const population: Check<NamedPopulation> = {
  allowed: "a population",
  read(value, at) {
    const of = given(at, value, dictionary);
    return {
      name: given(`${at}.name`, of["name"], text),
      kind: given(`${at}.kind`, of["kind"], oneOf("input", "recurrent", "readout")),
      model: given(`${at}.model`, of["model"], text),
      n: given(`${at}.n`, of["n"], whole(1)),
      first: given(`${at}.first`, of["first"], whole(1)),
    };
  },
};

const projection: Check<NamedProjection> = {
  allowed: "a projection",
  read(value, at) {
    const of = given(at, value, dictionary);
    return {
      name: given(`${at}.name`, of["name"], text),
      kind: given(`${at}.kind`, of["kind"], oneOf("plastic", "static", "feedback")),
      from: given(`${at}.from`, of["from"], list(text, "names")),
      to: given(`${at}.to`, of["to"], list(text, "names")),
    };
  },
};

/** Names of the parts of a network with so many nodes. */
export function partsOf(nodes: number): Check<NetworkParts> {
  const allowed = "populations and projections by name";
  return {
    allowed,
    read(value, at) {
      const of = given(at, value, dictionary);
      const populations = given(`${at}.populations`, of["populations"], list(population, "populations"));
      const projections = given(`${at}.projections`, of["projections"], list(projection, "projections"));
      const names = new Set(populations.map(({ name }) => name));
      for (const { name, n, first } of populations) {
        if (first + n - 1 > nodes)
          refuse(`${at}.populations.${name}`, first + n - 1, `node ids up to ${nodes}`);
      }
      for (const { name, from, to } of projections) {
        const unknown = [...from, ...to].find((population_) => !names.has(population_));
        if (unknown !== undefined) {
          refuse(`${at}.projections.${name}`, unknown, `populations: ${[...names].join(", ")}`);
        }
      }
      return { populations, projections };
    },
  };
}
