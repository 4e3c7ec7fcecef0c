// Answers calls from Python, a JSON document per line: `{ call, args }` gives `{ result }` or `{ error }`.
import { createInterface } from "node:readline";
import {
  CollocatedSynapses,
  Kernel,
  NESTError,
  NodeCollection,
  VerbosityLevel,
  logic,
  math,
  random,
} from "../../dist/nest/index.js";

const kernel = new Kernel();
/** Connections that Python holds, by number. */
const held = new Map();
let made = 0;
/** Distributions that Python holds: one object serves several calls. */
const distributions = new Map();

const collection = (ids) => new NodeCollection(kernel, Uint32Array.from(ids));

/** A value from Python. */
function decoded(value) {
  if (Array.isArray(value)) return value.map(decoded);
  if (typeof value !== "object" || value === null) return value ?? undefined;
  if (value.$nodes) return collection(value.$nodes);
  if (value.$float) return Number(value.$float);
  if (value.$random) {
    const { id, name, params } = value.$random;
    if (!distributions.has(id)) {
      distributions.set(id, random[name](name === "uniform_int" ? params.max : params));
    }
    return distributions.get(id);
  }
  if (value.$computed) {
    const { name, operands } = value.$computed;
    return (math[name] ?? logic[name])(...operands.map(decoded));
  }
  if (value.$collocated) return CollocatedSynapses(...value.$collocated.map(decoded));
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, decoded(entry)]));
}

/** A value for Python. */
function encoded(value) {
  if (value instanceof NodeCollection) return { $nodes: [...value.ids] };
  if (ArrayBuffer.isView(value)) return Array.from(value, encoded);
  if (Array.isArray(value)) return value.map(encoded);
  if (typeof value === "number" && !Number.isFinite(value)) return { $float: String(value) };
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, encoded(entry)]));
}

const calls = {
  ResetKernel: () => kernel.ResetKernel(),
  set: (values) => kernel.set(values),
  get: (name) => kernel.get(name),
  Create: (model, n, params) => kernel.Create(model, n, params),
  NodeCollection: (ids) => collection(ids).length,
  GetNodes: (values) => kernel.GetNodes(values),
  VerbosityLevel: () => VerbosityLevel,
  SetDefaults: (model, values, value) => kernel.SetDefaults(model, values, value),
  GetDefaults: (model) => kernel.GetDefaults(model),
  CopyModel: (existing, copy, values) => kernel.CopyModel(existing, copy, values),
  Connect: (sources, targets, rule, synapse) => kernel.Connect(sources, targets, rule, synapse),
  Disconnect: (sources, targets, rule, synapse) => kernel.Disconnect(sources, targets, rule, synapse),
  Simulate: (ms) => kernel.Simulate(ms),
  Prepare: () => kernel.Prepare(),
  Run: (ms) => kernel.Run(ms),
  Cleanup: () => kernel.Cleanup(),
  nodesGet: (nodes, name) => nodes.get(name),
  nodesSet: (nodes, params) => nodes.set(params),
  GetConnections(sources, targets, model) {
    const found = kernel.GetConnections(sources, targets, model);
    held.set(++made, found);
    return { number: made, length: found.length };
  },
  GetStatus: (nodes, names) => kernel.GetStatus(nodes, names),
  SetStatus: (nodes, params, value) => kernel.SetStatus(nodes, params, value),
  connectionsGetStatus: (number, names) => kernel.GetStatus(held.get(number), names),
  connectionsSetStatus: (number, params, value) => kernel.SetStatus(held.get(number), params, value),
  connectionsGet: (number, names) => held.get(number).get(names),
  connectionsSet: (number, values) => held.get(number).set(values),
  connectionsSlice(number, begin, end, step) {
    held.set(++made, held.get(number).slice(begin, end, step));
    return { number: made, length: held.get(made).length };
  },
  connectionsEqual: (number, other) => held.get(number).equals(held.get(other)),
  connectionsText: (number) => String(held.get(number)),
  connectionsDisconnect: (number) => held.get(number).disconnect(),
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { call, args } = JSON.parse(line);
    answer = { result: encoded(calls[call](...args.map(decoded))) ?? null };
  } catch (error) {
    const code = error instanceof NESTError ? error.code : "InternalError";
    answer = { error: { code, message: error.message } };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
