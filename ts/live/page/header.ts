import { byId, addElement } from "../../page/dom.js";
import { duration, significant } from "../../page/numbers.js";
import type { End, IterationColumns, Progress, RunInfo } from "../messages.js";

/** What is known of a training. */
export interface Known {
  run: RunInfo | undefined;
  iterations: IterationColumns;
  progress: Progress | undefined;
  /** When `progress` came. */
  progressAt: number;
  ended: End | undefined;
  /** Whether its end was asked for here, and whether it no longer answers. */
  asked: boolean;
  lost: boolean;
}

const endings: Readonly<Record<End["how"], string>> = {
  schedule: "finished",
  "early-stopping": "finished early: errors are small enough",
  request: "stopped; everything is saved",
  divergence: "stopped, since it diverged",
  failure: "failed",
};

/** What the training does, as a word for the style and as text. */
function stateOf({ run, progress, ended, asked, lost }: Known): [string, string] {
  if (ended !== undefined) {
    return ["ended", endings[ended.how] + (ended.message === undefined ? "" : `: ${ended.message}`)];
  }
  if (lost) return ["lost", "the run does not answer"];
  if (progress?.saving === true) return ["ending", "saving"];
  if (asked || progress?.ending === true) return ["ending", "ending after this iteration"];
  return run === undefined ? ["connecting", "connecting"] : ["running", progress?.phase || "starting"];
}

/** The head of the page: what is trained, how far it is, and the numbers of the last iteration. */
export class Header {
  readonly #numbers = new Map<string, HTMLElement>();
  readonly #bar = byId("bar");
  readonly #stop = byId("stop") as HTMLButtonElement;

  /** Begins anew with what a training is. */
  greet(run: RunInfo): void {
    byId("task").textContent = `${run.task}, seed ${run.seed}`;
    byId("text").textContent = run.text;
    byId("report").hidden = true;
    this.#numbers.clear();
    const list = byId("numbers");
    list.replaceChildren();
    for (const name of [
      "iteration",
      "loss",
      ...(run.kind === "classification" ? ["error"] : []),
      "firing rate",
      "elapsed",
      "time left",
      "per iteration",
    ]) {
      const entry = addElement(list, "div");
      addElement(entry, "dt", name);
      this.#numbers.set(name, addElement(entry, "dd", "–"));
    }
    const facts = byId("facts");
    facts.replaceChildren();
    const folder: [string, string][] = run.folder === undefined ? [] : [["run folder", run.folder]];
    for (const [name, value] of [...folder, ...run.facts]) {
      const entry = addElement(facts, "div");
      addElement(entry, "dt", name);
      addElement(entry, "dd", value);
    }
  }

  draw(known: Known): void {
    const { iterations, progress, ended, lost } = known;
    const last = iterations.iteration.length - 1;
    const done = progress?.done ?? 0;
    // A training that was ended early has done all that there was to do.
    const planned = ended === undefined ? Math.max(done, progress?.planned ?? known.run?.planned ?? 0) : done;
    const since = ended === undefined && !lost ? (performance.now() - known.progressAt) / 1000 : 0;
    const left = progress?.left ?? null;
    const error = iterations.error.findLast((value) => value !== null);
    this.#show("iteration", ended === undefined ? `${done} / ${planned}` : String(done));
    this.#show("loss", significant(iterations.loss[last]));
    this.#show("error", significant(error, 3));
    this.#show("firing rate", `${significant(iterations.rate[last], 3)} /s`);
    this.#show("elapsed", duration((progress?.elapsed ?? 0) + since));
    this.#show("time left", duration(ended !== undefined || left === null ? null : left - since));
    this.#show("per iteration", `${significant(progress?.ms, 3)} ms`);
    byId("done").style.transform = `scaleX(${planned === 0 ? 0 : done / planned})`;
    this.#bar.setAttribute("aria-valuemax", String(planned));
    this.#bar.setAttribute("aria-valuenow", String(done));
    const [name, text] = stateOf(known);
    const state = byId("state");
    state.dataset.state = name;
    if (state.textContent !== text) state.textContent = text;
    this.#stop.disabled = name !== "running";
    // Nothing is left to stop.
    this.#stop.hidden = ended !== undefined;
    document.title = `${ended === undefined ? `${done}/${planned}` : name} ${known.run?.task ?? ""} · eprop`;
  }

  #show(name: string, value: string): void {
    const place = this.#numbers.get(name);
    if (place !== undefined && place.textContent !== value) place.textContent = value;
  }
}
