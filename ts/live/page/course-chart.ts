import { smallButton } from "../../page/dom.js";
import { range, significant } from "../../page/numbers.js";
import { colour } from "../../page/scheme.js";
import type { IterationColumns } from "../messages.js";
import { axes } from "./axes.js";
import type { Panel } from "./panel.js";

/** How the iterations of a phase are drawn: told apart by form as well as by colour. */
const phaseLooks = {
  training: { colour: "blue", line: 1.5, points: false, dash: [] },
  validation: { colour: "orange", line: 1, points: true, dash: [4, 3] },
  "early-stopping": { colour: "purple", line: 0, points: true, dash: [] },
  test: { colour: "green", line: 0, points: true, dash: [] },
} as const;
type Phase = keyof typeof phaseLooks;

/** Axes of a course: iterations are whole. */
function courseAxes(label: string): uPlot.Axis[] {
  const [x, y] = axes("iteration", label) as [uPlot.Axis, uPlot.Axis];
  const steps = Array.from({ length: 8 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power));
  return [{ ...x, incrs: steps.flat() }, y];
}

type Quantity = "loss" | "error" | "rate" | "gradient";

/** Values that span more than this factor are better seen on a logarithmic scale. */
const wideRange = 30;

/** A quantity over iterations, a series for each phase. */
export class CourseChart {
  readonly #panel: Panel;
  readonly #quantity: Quantity;
  readonly #label: string;
  #phases: Phase[] = [];
  #plot: uPlot | undefined;
  #logarithmic = false;
  #chosen = false;
  readonly #button: HTMLButtonElement | undefined;

  /** @param onScale Called when another scale of values was chosen: it is to be drawn anew. */
  constructor(panel: Panel, quantity: Quantity, label: string, onScale: () => void) {
    this.#panel = panel;
    this.#quantity = quantity;
    this.#label = label;
    if (quantity !== "loss" && quantity !== "gradient") return;
    this.#button = smallButton(panel.caption, "log scale", () => {
      this.#chosen = true;
      this.#scale(!this.#logarithmic);
      onScale();
    });
  }

  /** Chooses the scale of values. */
  #scale(logarithmic: boolean): void {
    if (this.#button === undefined || logarithmic === this.#logarithmic) return;
    this.#logarithmic = logarithmic;
    this.#button.textContent = logarithmic ? "linear scale" : "log scale";
    this.reset();
  }

  draw(iterations: IterationColumns): void {
    const phases = [...new Set(iterations.phase)] as Phase[];
    const values = iterations[this.#quantity];
    if (!this.#chosen) {
      const [low, high] = range(values);
      this.#scale(low > 0 && high > wideRange * low);
    }
    if (this.#plot === undefined || phases.join() !== this.#phases.join()) {
      this.reset();
      this.#phases = phases;
      this.#plot = this.#create();
    }
    const series = phases.map((phase) =>
      values.map((value, at) =>
        iterations.phase[at] !== phase || (this.#logarithmic && !(value !== null && value > 0))
          ? null
          : value,
      ),
    );
    this.#plot.setData([iterations.iteration, ...series] as uPlot.AlignedData);
    this.#showLast();
  }

  #create(): uPlot {
    return new uPlot(
      {
        width: this.#panel.width,
        height: this.#panel.height,
        scales: {
          x: { time: false },
          y: {
            distr: this.#logarithmic ? 3 : 1,
            range: (_, low, high) => this.#range(low, high),
          },
        },
        axes: courseAxes(this.#label),
        series: [{ label: "iteration" }, ...this.#phases.map((phase) => this.#series(phase))],
        cursor: { sync: { key: "iterations" }, points: { size: 7 } },
        legend: { markers: { width: 0, fill: (_, at) => colour(this.#look(at - 1).colour) } },
        hooks: { setCursor: [() => this.#showLast()] },
      },
      undefined,
      this.#panel.place,
    );
  }

  #look(at: number): (typeof phaseLooks)[Phase] {
    return phaseLooks[this.#phases[at] ?? "training"];
  }

  #range(low: number, high: number): [number, number] {
    if (this.#logarithmic) return uPlot.rangeLog(low || 1e-3, high || 1, 10, false) as [number, number];
    const [from, to] = uPlot.rangeNum(low ?? 0, high ?? 1, 0.1, true) as [number, number];
    return this.#quantity === "error" ? [0, Math.max(0.1, Math.min(1.02, to))] : [Math.max(0, from), to];
  }

  #series(phase: Phase): uPlot.Series {
    const look = phaseLooks[phase];
    const stroke = () => colour(look.colour);
    return {
      label: phase,
      stroke,
      width: look.line,
      dash: [...look.dash],
      spanGaps: true,
      points: {
        // A single value is no line.
        show: ({ data }, at) =>
          look.points || (data[at] ?? []).filter((value) => value !== null).length === 1,
        size: 6,
        stroke,
        fill: () => (phase === "test" ? stroke() : colour("grid")),
      },
      value: (_, value) => significant(value),
    };
  }

  /** Shows each phase's last value in the legend while nothing is pointed at. */
  #showLast(): void {
    const plot = this.#plot;
    if (plot === undefined || (plot.cursor.left ?? -1) >= 0) return;
    const last = plot.data.map((column) => column.findLastIndex((value) => value !== null));
    plot.setLegend({ idxs: last } as unknown as { idx: number }, false);
  }

  reset(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
  }
}
