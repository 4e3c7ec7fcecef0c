import { type Check, refuse } from "../core/arguments.js";
import { NativeWorld } from "../native/index.js";
import type { World } from "./world.js";

/** A world, as `connect` gives it. */
export const worldCheck: Check<World> = {
  allowed: "a world of mpi.connect()",
  read(value, at) {
    // The class itself is loaded by those who connect.
    if (!((value as Partial<World> | undefined)?.native instanceof NativeWorld)) {
      refuse(at, value, this.allowed);
    }
    return value as World;
  },
};
