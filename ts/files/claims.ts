import {
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isRunning } from "../core/processes.js";

/** Who has claimed a piece of work. */
export interface Holder {
  host: string;
  pid: number;
}

/** Work that this process has claimed. */
export interface Claim {
  /** Gives it up: it is done, or others may do it. */
  release(): void;
}

/** How often a claim is renewed, and after how long without that it is taken over (ms). */
const renewed = 10_000;
const stale = 60_000;

/** Tells this process from one before it that had the same number, as in a container that was started again. */
const instance = `${process.pid}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;

/**
 * Claims on pieces of work in a folder that processes of several machines share.
 *
 * A claim is a file `name.1` that is created exclusively. One whose process has ended, or that has not been renewed for
 * a minute, is taken over by creating `name.2`, and so on: whoever creates the next number first has it. No file is
 * ever renamed, so nobody can take away a claim that is alive. A process that was only slow ends with the same results
 * as who took over.
 */
export class Claims {
  readonly #folder: string;
  readonly #held = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Claims a piece of work; undefined while somebody else has it. */
  take(name: string): Claim | undefined {
    const numbers = this.#numbers(name);
    const last = numbers.at(-1);
    if (last !== undefined && !this.#isStale(`${name}.${last}`)) return undefined;
    const file = join(this.#folder, `${name}.${(last ?? 0) + 1}`);
    const content = JSON.stringify({ host: hostname(), pid: process.pid, instance });
    try {
      writeFileSync(file, content, { flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
      throw error;
    }
    this.#held.set(file, content);
    this.#timer ??= setInterval(() => this.#renew(), renewed).unref();
    return {
      release: () => {
        this.#held.delete(file);
        for (const number of [...numbers, (last ?? 0) + 1].toReversed()) {
          rmSync(join(this.#folder, `${name}.${number}`), { force: true });
        }
      },
    };
  }

  /** Whether somebody else is at work, as far as can be seen. */
  isTaken(name: string): boolean {
    const last = this.#numbers(name).at(-1);
    return last !== undefined && !this.#isStale(`${name}.${last}`);
  }

  /** Whether it is a process of this machine. */
  isHere({ host }: Holder): boolean {
    return host === hostname();
  }

  /** When the claim on a piece of work was renewed last (ms since 1970, by the clock that marks files). */
  renewedAt(name: string): number | undefined {
    const last = this.#numbers(name).at(-1);
    if (last === undefined) return undefined;
    return statSync(join(this.#folder, `${name}.${last}`), { throwIfNoEntry: false })?.mtimeMs;
  }

  /** Who has a piece of work, as far as can be seen. */
  holder(name: string): Holder | undefined {
    const last = this.#numbers(name).at(-1);
    if (last === undefined || this.#isStale(`${name}.${last}`)) return undefined;
    try {
      return JSON.parse(readFileSync(join(this.#folder, `${name}.${last}`), "utf8")) as Holder;
    } catch {
      // It is just being written, or given up.
      return undefined;
    }
  }

  /** Gives up all claims. */
  close(): void {
    clearInterval(this.#timer);
    for (const file of this.#held.keys()) rmSync(file, { force: true });
    this.#held.clear();
  }

  /** Numbers of the claims on a piece of work, ascending. */
  #numbers(name: string): number[] {
    return readdirSync(this.#folder)
      .filter((file) => file.startsWith(`${name}.`))
      .map((file) => Number(file.slice(name.length + 1)))
      .filter((number) => Number.isInteger(number))
      .toSorted((a, b) => a - b);
  }

  #isStale(file: string): boolean {
    const path = join(this.#folder, file);
    try {
      const { mtimeMs } = statSync(path);
      if (this.#now() - mtimeMs > stale) return true;
      const owner = JSON.parse(readFileSync(path, "utf8")) as { host: string; pid: number; instance: string };
      if (owner.host !== hostname()) return false;
      return owner.pid === process.pid ? owner.instance !== instance : !isRunning(owner.pid);
    } catch {
      // It is just being written, or given up.
      return false;
    }
  }

  /** The time by the clock that marks the files. */
  #now(): number {
    const clock = join(this.#folder, `.clock-${instance}`);
    writeFileSync(clock, "");
    const { mtimeMs } = statSync(clock);
    rmSync(clock, { force: true });
    return mtimeMs;
  }

  #renew(): void {
    for (const [path, content] of this.#held) {
      try {
        // Writing marks the file with the time of the machine that keeps it.
        const file = openSync(path, "r+");
        try {
          writeSync(file, content);
        } finally {
          closeSync(file);
        }
      } catch {
        // Somebody has cleared the folder: who finishes first writes the results.
      }
    }
  }
}
