import { join } from "node:path";
import { nestError } from "../core/errors.js";
import { nestFileName, nestHeader, nestRows } from "../formats/nest-ascii.js";
import type { Table } from "../formats/table.js";
import { NodeCollection } from "./collections.js";
import type { Kernel } from "./kernel.js";

// An import of node:fs would load streams, too.
const { appendFileSync, writeFileSync } = process.getBuiltinModule("node:fs");

const recorderModels = ["spike_recorder", "multimeter", "voltmeter", "weight_recorder"] as const;

/**
 * NEST's recording backend `ascii`: moves what recorders hold into files, after each simulation. A recorder's file goes
 * on through successive simulations of a kernel.
 */
export class AsciiBackend {
  readonly #kernel: Kernel;
  /** Files that this kernel has begun, by recorder. */
  readonly #files = new Map<number, string>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * Begins the files of recorders that have none yet.
   *
   * @throws {@link NESTError} where there is such a file and `overwrite_files` is not set, or it can't be written.
   */
  prepare(): void {
    const { overwrite_files } = this.#kernel.get();
    for (const recorder of this.#recorders()) {
      const id = recorder.ids[0] as number;
      const path = this.path(recorder);
      if (this.#files.get(id) === path) continue;
      try {
        writeFileSync(path, nestHeader(this.#table(recorder, false)), { flag: overwrite_files ? "w" : "wx" });
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        throw nestError({
          code: "KernelException",
          message: `the recorder's file ${path} cannot be begun (${code})`,
          model: String(recorder.get("model")),
          parameter: "record_to",
          value: "ascii",
          bound:
            code === "EEXIST"
              ? "a new file; set overwrite_files, or change data_path, data_prefix or label"
              : "a file that can be written",
        });
      }
      this.#files.set(id, path);
    }
  }

  /** Moves events into the files. */
  write(): void {
    for (const recorder of this.#recorders()) {
      const path = this.#files.get(recorder.ids[0] as number);
      if (path === undefined) continue;
      const table = this.#table(recorder, true);
      for (const lines of nestRows(table, Number(recorder.get("precision")))) appendFileSync(path, lines);
    }
  }

  /** The path of a recorder's file. */
  path(recorder: NodeCollection): string {
    const { data_path, data_prefix } = this.#kernel.get();
    const label = String(recorder.get("label")) || String(recorder.get("model"));
    const nodes = this.#kernel.native.nodeCount();
    const name = nestFileName(
      label,
      { id: recorder.ids[0] as number, nodes },
      String(recorder.get("file_extension")),
    );
    return join(data_path, data_prefix + name);
  }

  #recorders(): NodeCollection[] {
    return recorderModels
      .flatMap((model) => [...this.#kernel.GetNodes(model)])
      .map((id) => new NodeCollection(this.#kernel, Uint32Array.of(id)))
      .filter((recorder) => recorder.get("record_to") === "ascii");
  }

  #table(recorder: NodeCollection, take: boolean): Table {
    return take ? this.#kernel.writeEvents(recorder) : this.#kernel.events(recorder);
  }
}
