import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import {
  Kernel,
  NESTError,
  type NodeCollection,
  type NodeModelName,
  type Distribution,
} from "../../ts/nest/index.js";
import type { mpi } from "../../ts/index.js";

type Selection = string | [string, number, number] | Selection[];
type Call = [string, ...unknown[]];

/** A recorded experiment. */
export interface Case {
  name: string;
  calls: Call[];
  expect: {
    events: Record<string, Record<string, number[]>>;
    connections: Record<string, { source: number[]; target: number[]; weight: number[] }>;
  };
}

/** A call that must be refused. */
export interface BadInput {
  about: string;
  calls: Call[];
  nest: string | null;
}

/** How a case went. */
export interface Outcome {
  name: string;
  ok: boolean;
  /** Largest deviation, relative to the largest magnitude of its quantity. */
  deviation: number;
  where: string;
}

/** What to replay with. */
export interface Settings {
  gradient?: "forward" | "adjoint";
  threads?: number;
  /** Go on after each `Simulate` call with a kernel restored from the state of the one before. */
  restore?: boolean;
  /** Ranks that replay it together. */
  world?: mpi.World;
}

/** Largest accepted deviation. */
export const tolerance = 1e-9;

/** The recorded experiments of a folder. */
export function readCases(folder: string): Case[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json.gz"))
    .toSorted()
    .map((file) => JSON.parse(gunzipSync(readFileSync(join(folder, file))).toString()) as Case);
}

/** The bad inputs of a folder, if it has any. */
export function readBadInputs(folder: string): BadInput[] {
  return readdirSync(folder).includes("errors.json")
    ? (JSON.parse(readFileSync(join(folder, "errors.json"), "utf8")) as BadInput[])
    : [];
}

class Replay {
  readonly kernel: Kernel;
  readonly nodes = new Map<string, NodeCollection>();
  readonly connections = new Map<
    string,
    { source: Uint32Array; target: Uint32Array; weight: Float64Array }
  >();
  readonly settings: Settings;

  constructor(settings: Settings) {
    this.settings = settings;
    this.kernel = new Kernel(settings.world ? { world: settings.world } : {});
  }

  select(selection: Selection): NodeCollection {
    if (typeof selection === "string") {
      const nodes = this.nodes.get(selection);
      if (nodes === undefined) throw new Error(`the case names no nodes ${selection}`);
      return nodes;
    }
    if (typeof selection[0] === "string" && typeof selection[1] === "number") {
      return this.select(selection[0]).slice(selection[1], selection[2] as number);
    }
    const parts = (selection as Selection[]).map((part) => this.select(part));
    return parts.slice(1).reduce((all, part) => all.concat(part), parts[0] as NodeCollection);
  }

  params(params: unknown): object | null {
    if (params === null || Array.isArray(params)) return params as object | null;
    return Object.fromEntries(
      Object.entries(params as object).map(([name, value]) => [name, this.value(name, value)]),
    );
  }

  value(name: string, value: unknown): unknown {
    if (["senders", "targets", "weight_recorder"].includes(name)) return this.select(value as Selection);
    if (typeof value !== "object" || value === null || !("random" in value)) return value;
    const [distribution, first, second] = value.random as [Distribution["distribution"], number, number];
    return { distribution, first, second } satisfies Distribution;
  }

  call([name, ...args]: Call): void {
    const { kernel } = this;
    switch (name) {
      case "ResetKernel":
        kernel.ResetKernel();
        if (this.settings.gradient) kernel.set({ gradient: this.settings.gradient });
        if (this.settings.threads) kernel.set({ local_num_threads: this.settings.threads });
        break;
      case "set":
        kernel.set(args[0] as object);
        break;
      case "Create":
        this.nodes.set(
          args[0] as string,
          kernel.Create(args[1] as NodeModelName, args[2] as number, this.params(args[3]) as object),
        );
        break;
      case "Set":
        this.select(args[0] as Selection).set(this.params(args[1]) as object);
        break;
      case "SetDefaults":
        kernel.SetDefaults(args[0] as NodeModelName, this.params(args[1]) as object);
        break;
      case "CopyModel":
        kernel.CopyModel(args[0] as NodeModelName, args[1] as string, this.params(args[2]) as object);
        break;
      case "SetConnections": {
        const connections = kernel.GetConnections(
          this.select(args[0] as Selection),
          this.select(args[1] as Selection),
        );
        if (connections.length > 0) connections.set(args[2] as { weight: number });
        break;
      }
      case "Connect":
        kernel.Connect(
          this.select(args[0] as Selection),
          this.select(args[1] as Selection),
          this.params(args[2]) as object,
          this.params(args[3]) as object,
        );
        break;
      case "ConnectIds":
        kernel.Connect(args[0] as number[], args[1] as number[], { rule: "one_to_one" }, args[2] as object);
        break;
      case "Simulate":
        kernel.Simulate(args[0] as number);
        if (this.settings.restore) kernel.restore(kernel.state());
        break;
      case "GetConnections":
        this.connections.set(
          args[0] as string,
          kernel
            .GetConnections(this.select(args[1] as Selection), this.select(args[2] as Selection))
            .get(["source", "target", "weight"]) as never,
        );
        break;
      default:
        throw new Error(`a case calls ${name}, which the runner does not know`);
    }
  }
}

class Comparison {
  deviation = 0;
  where = "";

  exact(label: string, got: ArrayLike<number> | undefined, expected: readonly number[]): void {
    const same = got !== undefined && got.length === expected.length;
    const place = same ? expected.findIndex((value, at) => value !== got[at]) : 0;
    if (!same) this.worse(Infinity, `${label}: ${got?.length ?? "no"} entries instead of ${expected.length}`);
    else if (place >= 0)
      this.worse(Infinity, `${label}[${place}] is ${got[place]} instead of ${expected[place]}`);
  }

  close(label: string, got: ArrayLike<number> | undefined, expected: readonly number[]): void {
    if (got === undefined || got.length !== expected.length) {
      this.worse(Infinity, `${label}: ${got?.length ?? "no"} entries instead of ${expected.length}`);
      return;
    }
    const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
    for (const [at, value] of expected.entries()) {
      const difference = Math.abs((got[at] as number) - value) / scale;
      // NaN is no number that agrees.
      this.worse(Number.isNaN(difference) ? Infinity : difference, `${label}[${at}]`);
    }
  }

  worse(deviation: number, where: string): void {
    if (deviation > this.deviation) {
      this.deviation = deviation;
      this.where = where;
    }
  }
}

/** Replays a recorded experiment. */
export function replay(recorded: Case, settings: Settings = {}): Outcome {
  const run = new Replay(settings);
  const comparison = new Comparison();
  try {
    for (const call of recorded.calls) run.call(call);
    for (const [recorder, columns] of Object.entries(recorded.expect.events)) {
      const events = run.select(recorder).get("events") as Record<string, ArrayLike<number>>;
      for (const [column, expected] of Object.entries(columns)) {
        const exact = ["senders", "targets"].includes(column);
        const label = `${recorder}.${column}`;
        if (exact) comparison.exact(label, events[column], expected);
        else if (column === "times")
          comparison.exact(
            label,
            events[column] && Float64Array.from(events[column], roundTime),
            expected.map(roundTime),
          );
        else comparison.close(label, events[column], expected);
      }
    }
    for (const [label, expected] of Object.entries(recorded.expect.connections)) {
      const got = run.connections.get(label);
      comparison.exact(`${label}.source`, got?.source, expected.source);
      comparison.exact(`${label}.target`, got?.target, expected.target);
      comparison.close(`${label}.weight`, got?.weight, expected.weight);
    }
  } catch (error) {
    comparison.worse(Infinity, `refused: ${(error as Error).message}`);
  }
  const { deviation, where } = comparison;
  return { name: recorded.name, ok: deviation <= tolerance, deviation, where };
}

/** Times are whole tics of a microsecond. */
const roundTime = (time: number) => Math.round(time * 1000) / 1000;

/** Checks that a bad input is refused and changes nothing. */
export function refuse(input: BadInput): Outcome {
  const run = new Replay({});
  const name = `refused: ${input.about}`;
  const fail = (where: string): Outcome => ({ name, ok: false, deviation: Infinity, where });
  const state = () =>
    JSON.stringify([
      run.kernel.get(),
      [...run.kernel.GetNodes()].map((id) => run.kernel.native.modelOf(id)),
      run.kernel.GetConnections().length,
      [...run.nodes.values()].map((nodes) => nodes.get()),
    ]);
  try {
    for (const call of input.calls.slice(0, -1)) run.call(call);
  } catch (error) {
    return fail(`a call before the last was refused: ${(error as Error).message}`);
  }
  const before = state();
  try {
    run.call(input.calls.at(-1) as Call);
  } catch (error) {
    if (!(error instanceof NESTError)) return fail(`threw ${String(error)} instead of a NESTError`);
    if (state() !== before) return fail("the refused call changed the kernel");
    if (input.nest !== null && error.code !== input.nest) {
      return fail(`code ${error.code} instead of NEST's ${input.nest}`);
    }
    return { name, ok: true, deviation: 0, where: `${error.code}: ${error.message}` };
  }
  return fail("was accepted");
}
