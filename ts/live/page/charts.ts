import { addElement } from "../../page/dom.js";
import type { IterationColumns, RunInfo, SampleMessage } from "../messages.js";
import { ClassChart } from "./class-chart.js";
import { CourseChart } from "./course-chart.js";
import { Panel } from "./panel.js";
import { PlaneChart } from "./plane-chart.js";
import { RasterChart } from "./raster-chart.js";
import { SignalChart } from "./signal-chart.js";

/** Readouts that are told apart by colour; of more, the class that is right stands out. */
const mostSignals = 4;

/**
 * Heights of plots (pixels): courses in one and in two columns, and what belongs to a sequence, where it is not as high
 * as the courses.
 */
const heights = { course: 170, courseInTwoColumns: 250, sequence: 260 };

/** Why e-prop+ has no course of the gradient's norm. */
const noGradient =
  "With e-prop+ each synapse learns at its own spikes: no gradient of all weights belongs to an iteration.";

interface SampleChart {
  draw(sample: SampleMessage): void;
  reset?(): void;
}

/** What the page draws: courses over iterations, and the first sequence of one. */
export class Charts {
  readonly #learning: HTMLElement;
  readonly #sequence: HTMLElement;
  readonly #onScale: () => void;
  #run: RunInfo | undefined;
  #courses: CourseChart[] = [];
  #panels: Panel[] = [];
  #views: SampleChart[] = [];

  /** @param onScale Called when courses are to be drawn in another scale. */
  constructor(learning: HTMLElement, sequence: HTMLElement, onScale: () => void) {
    this.#learning = learning;
    this.#sequence = sequence;
    this.#onScale = onScale;
  }

  /** Begins anew with what a training is. */
  begin(run: RunInfo): void {
    this.#run = run;
    this.#learning.replaceChildren();
    this.#sequence.replaceChildren();
    this.#views = [];
    const columns = getComputedStyle(this.#learning).gridTemplateColumns.split(" ").length;
    const height = columns > 1 ? heights.courseInTwoColumns : heights.course;
    const course = (title: string, quantity: "loss" | "error" | "rate" | "gradient", label: string) =>
      new CourseChart(new Panel(this.#learning, title, height), quantity, label, this.#onScale);
    this.#courses = [
      course("Loss", "loss", "loss"),
      ...(run.kind === "classification" ? [course("Error", "error", "share wrong")] : []),
      course("Firing rate", "rate", "spikes/s"),
    ];
    if (run.gradient) this.#courses.push(course("Gradient", "gradient", "norm"));
    else addElement(new Panel(this.#learning, "Gradient", height).place, "p", noGradient);
  }

  drawCourses(iterations: IterationColumns): void {
    if (iterations.iteration.length === 0) return;
    for (const chart of this.#courses) chart.draw(iterations);
  }

  drawSample(sample: SampleMessage): void {
    if (this.#views.length === 0) this.#make(sample);
    this.#fill();
    for (const view of this.#views) view.draw(sample);
  }

  reset(): void {
    for (const chart of [...this.#courses, ...this.#views]) chart.reset?.();
  }

  #make({ readout }: SampleMessage): void {
    const run = this.#run;
    if (run === undefined) return;
    const readouts = readout.length;
    const pattern = run.kind === "regression" && readouts === 2;
    const many = readouts > mostSignals;
    const title = pattern ? "Drawn pattern" : many ? "Readouts by class" : "Readout against target";
    this.#panels = [title, "Spikes"].map((name) => new Panel(this.#sequence, name, heights.sequence));
    const [signals, spikes] = this.#panels as [Panel, Panel];
    const Signals = pattern ? PlaneChart : many ? ClassChart : SignalChart;
    this.#views = [new Signals(signals), new RasterChart(spikes, run.populations)];
  }

  /** Makes what belongs to a sequence as high as the courses beside it. */
  #fill(): void {
    const isBeside = this.#sequence.offsetTop === this.#learning.offsetTop;
    const taken = this.#panels.map(
      ({ place }) => (place.parentElement?.offsetHeight ?? 0) - place.offsetHeight,
    );
    const legends = this.#panels.map(
      ({ place }) => place.querySelector<HTMLElement>(".u-legend")?.offsetHeight ?? 0,
    );
    const gap = Number.parseFloat(getComputedStyle(this.#sequence).rowGap) || 0;
    const used = [...taken, ...legends].reduce(
      (sum, height) => sum + height,
      gap * (this.#panels.length - 1),
    );
    const height = Math.floor((this.#learning.offsetHeight - used) / this.#panels.length);
    const wanted = isBeside ? Math.max(heights.sequence - 60, height) : heights.sequence;
    // What is drawn is not drawn anew for a few pixels.
    if (this.#panels.every((panel) => Math.abs(panel.height - wanted) < 3)) return;
    for (const panel of this.#panels) panel.height = wanted;
    for (const view of this.#views) view.reset?.();
  }
}
