import { type Check, refuse } from "../core/arguments.js";
import { NativeWorld } from "../native/index.js";
import type { World } from "./world.js";

/** Whether a value is a world, whatever it does when it is asked. The class itself is loaded by those who connect. */
function isWorld(value: unknown): value is World {
  try {
    return (value as Partial<World> | undefined)?.native instanceof NativeWorld;
  } catch {
    return false;
  }
}

/** A world, as `connect` gives it. */
export const worldCheck: Check<World> = {
  allowed: "a world of mpi.connect()",
  read(value, at) {
    if (!isWorld(value)) refuse(at, value, this.allowed);
    return value;
  },
};
