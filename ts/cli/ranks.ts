import { freemem } from "node:os";
import { threadBudget } from "../core/threads.js";
import { connect, launcher } from "../mpi/index.js";
import type { World } from "../mpi/world.js";
import { concludeWith, lastLine } from "./output.js";

/** How long a rank that has failed waits for the others to say how they ended (ms). */
const patience = 3000;

/**
 * The ranks that run a command together. One of them writes, prints and serves; the others keep silent, unless they fail
 * alone.
 */
export class CommandRanks {
  /** The world, where there are several ranks. */
  readonly world: World | undefined;

  private constructor(world: World | undefined) {
    this.world = world;
  }

  /** The ranks that a launcher has started; this process alone where there is none. */
  static async connected(): Promise<CommandRanks> {
    const started = launcher();
    if (started === undefined || started.ranks === 1) return new CommandRanks(undefined);
    const world = await connect();
    return new CommandRanks(world.size > 1 ? world : undefined);
  }

  /** Does what a command is to do on all the ranks that it was started on, with the same arguments everywhere. */
  static async run(command: unknown, work: (ranks: CommandRanks) => Promise<void>): Promise<void> {
    const ranks = await CommandRanks.connected();
    try {
      await ranks.same(command);
      await work(ranks);
    } catch (error) {
      await ranks.end(error);
      return;
    }
    await ranks.end();
  }

  /** Whether this rank is the one that writes, prints and serves. */
  get isFirst(): boolean {
    return this.world === undefined || this.world.rank === 0;
  }

  /** Refuses commands that differ. */
  async same(command: unknown): Promise<void> {
    await this.world?.same("command", command);
  }

  /** What rank 0 says, at every rank. */
  async told<T>(value: T): Promise<T> {
    return this.world === undefined ? value : this.world.broadcast(value);
  }

  /** Does something at rank 0. If it fails, that is the error of all. */
  async atFirst<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    if (this.world === undefined) return work();
    let done: T | undefined;
    let failure: unknown;
    if (this.isFirst) {
      try {
        done = await work();
      } catch (error) {
        failure = error;
      }
    }
    const [line] = await this.world.gather(failure === undefined ? undefined : lastLine(failure).line);
    if (failure !== undefined) throw failure;
    if (line !== undefined) throw told(line);
    return done;
  }

  /** A line on what there is: ranks, hosts, threads, memory, and the sequences of each. */
  async preflight(batchSize: number, threads: number | undefined): Promise<string | undefined> {
    const { world } = this;
    if (world === undefined) return undefined;
    const all = await world.gather({
      host: world.host,
      threads: Math.min(threads ?? threadBudget(), threadBudget()),
      memory: freemem(),
    });
    const hosts = new Map<string, number>();
    for (const { host } of all) hosts.set(host, (hosts.get(host) ?? 0) + 1);
    const where = Array.from(hosts, ([host, ranks]) => `${host} (${ranks})`);
    const least = Math.min(...all.map(({ memory }) => memory)) / 2 ** 30;
    return (
      `${world.size} ranks on ${hosts.size} ${hosts.size === 1 ? "host" : "hosts"}: ${where.slice(0, 4).join(", ")}` +
      `${where.length > 4 ? ", …" : ""}; threads each: ${range(all.map((rank) => rank.threads))}; ` +
      `${least.toFixed(1)} GiB free on the fullest; ${world.library}; ` +
      `${range([Math.floor(batchSize / world.size), Math.ceil(batchSize / world.size)])} of ${batchSize} sequences each`
    );
  }

  /** Ends the command: with an error, if there is one, which is said once where it is that of all ranks. */
  async end(error?: unknown): Promise<void> {
    const { world } = this;
    if (world === undefined) {
      if (error !== undefined) concludeWith(error);
      return;
    }
    if (error === undefined) {
      await world.close();
      return;
    }
    const { line, code } = lastLine(error);
    const all = await world.gatherWithin({ line }, patience);
    const isShared = all?.every((other) => other.line === line) ?? false;
    if (this.isFirst) concludeWith(error);
    else if (!isShared && line !== all?.[0]?.line) process.stderr.write(`rank ${world.rank}: ${line}\n`);
    process.exitCode = code;
    // Whoever has not come may wait for this rank for ever.
    if (all === undefined) world.abort(code);
    else await world.close();
  }
}

/** An error of rank 0 at another, which ends with the same line. */
function told(line: string): Error {
  const error = new Error(line);
  error.stack = line.replace(/^eprop: /, "");
  return error;
}

/** A list of numbers as the least and the most. */
function range(numbers: readonly number[]): string {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? String(least) : `${least} to ${most}`;
}
