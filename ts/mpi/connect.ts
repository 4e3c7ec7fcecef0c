import { fields, given, optional, refuse, text } from "../core/arguments.js";
import { guarded, nestError } from "../core/errors.js";
import { NativeWorld, mpiLauncher } from "../native/index.js";
import type { World } from "./world.js";

/** What {@link connect} takes. */
export interface ConnectOptions {
  /**
   * Name or path of the MPI library. If left out, what the environment variable `EPROP_MPI` names, else the one that
   * belongs to what started this process, else the first that is found.
   */
  library?: string;
}

const connectOptions = fields({ library: optional(text) });

/**
 * Libraries below MPI replace calls of the system, such as `brk`, in the whole process, to learn of memory that is given
 * back: under many threads, as Node has, that has corrupted the heap. And they would report V8's own signals as crashes.
 * What the environment says already stays.
 */
const withoutHooks = {
  UCX_MEM_EVENTS: "n",
  UCX_MEM_MMAP_HOOK_MODE: "none",
  UCX_MEM_MALLOC_HOOKS: "n",
  UCX_HANDLE_ERRORS: "none",
  OMPI_MCA_memory: "^patcher",
} as const;

/** The world of this process: MPI begins once. */
let connected: World | undefined;

/** The library that it was asked for with. */
let askedFor: string | undefined;

/** What started this process as one of several ranks, where its environment says so. */
export interface Launcher {
  name: string;
  /** How many ranks it started, where it says so. */
  ranks?: number;
}

/** What started this process as one of several ranks; nothing if its environment names no launcher. */
export function launcher(): Launcher | undefined {
  return mpiLauncher() ?? undefined;
}

/** Whether the connection to MPICH's launcher, which is a file that it has opened, is no longer there. */
async function hasLostLauncher(): Promise<boolean> {
  const file = process.env["PMI_FD"];
  if (file === undefined) return false;
  const { fstatSync, statSync } = await import("node:fs");
  try {
    return !fstatSync(Number(file)).isSocket();
  } catch {
    return true;
  } finally {
    // Node follows no symbolic links where the last file that it has asked for was a socket: packages would be loaded twice.
    statSync(process.execPath, { throwIfNoEntry: false });
  }
}

/**
 * Begins MPI, or gives the world that has begun. The library is the site's: it is loaded now, and nothing of MPI is
 * needed until then.
 *
 * @example
 * const world = await mpi.connect();
 * console.log(`rank ${world.rank} of ${world.size} on ${world.host}`);
 * @throws {@link NESTError} that says what was looked for, and where; or that the library is not the launcher's.
 */
export async function connect(options: ConnectOptions = {}): Promise<World> {
  const { library } = given("options", options, connectOptions);
  if (connected !== undefined) {
    if (library !== undefined && library !== askedFor) {
      refuse("options.library", library, askedFor ?? "none: a world has been connected without one", {
        code: "MPIError",
        message: `this process is connected through ${connected.library}`,
      });
    }
    return connected;
  }
  const { isMainThread } = await import("node:worker_threads");
  if (!isMainThread) {
    throw nestError({
      code: "MPIError",
      message: "a world is that of a process: connect on its main thread",
    });
  }
  if (await hasLostLauncher()) {
    throw nestError({
      code: "MPIError",
      message:
        "what stands between mpirun and this program, as npx does, has closed the connection to mpirun",
      bound: "mpirun -n … node_modules/.bin/eprop …, or node itself",
    });
  }
  const { World } = await import("./world.js");
  for (const [name, value] of Object.entries(withoutHooks)) process.env[name] ??= value;
  // Another call may have been faster.
  if (connected === undefined) {
    connected = new World(guarded(() => NativeWorld.connect(library)));
    askedFor = library;
  }
  return connected;
}
