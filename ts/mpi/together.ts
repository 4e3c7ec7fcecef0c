import { NESTError } from "../core/errors.js";
import type { World } from "./world.js";

/** What came of work. */
type Outcome<T> = { value: T } | { error: unknown };

async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}

/** An error as other ranks can read it. */
function dataOf(error: unknown): unknown {
  if (error instanceof NESTError) return error.toJSON();
  return new Error(error instanceof Error ? error.message : String(error));
}

/**
 * Does something at every rank. If it fails at one, it fails at all: with the error of the first of them.
 *
 * @param call What it is, for ranks that do something else.
 */
export async function atAll<T>(world: World, call: string, work: () => Promise<T>): Promise<T> {
  const own = await outcomeOf(work);
  const all = await world.exchange(call, "error" in own ? { error: dataOf(own.error) } : {});
  const failed = all.findIndex((theirs) => theirs.error !== undefined);
  if ("error" in own && (failed === world.rank || failed < 0)) throw own.error;
  if (failed >= 0) throw NESTError.from(all[failed]?.error);
  return (own as { value: T }).value;
}

/**
 * Does at rank 0 what one rank does for all, and tells them what came of it. If that fails, it fails at all ranks.
 *
 * @param call What it is, for ranks that do something else.
 */
export async function atFirst<T>(world: World, call: string, work: () => Promise<T>): Promise<T> {
  let own: Outcome<T> | undefined;
  if (world.rank === 0) own = await outcomeOf(work);
  const told = own !== undefined && "error" in own ? { error: dataOf(own.error) } : own;
  const [first] = await world.exchange(call, told);
  if (own !== undefined && "error" in own) throw own.error;
  if (first !== undefined && "error" in first) throw NESTError.from(first.error);
  return (first as { value: T }).value;
}
