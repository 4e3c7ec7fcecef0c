import { significant } from "../../page/numbers.js";
import { colour } from "../../page/scheme.js";
import type { SampleMessage } from "../messages.js";
import { axes } from "./axes.js";
import type { Panel } from "./panel.js";

/** The step from which signals are shown: errors count in the learning window, what precedes a short one is of less interest. */
export function shownFrom({ steps, learningFrom }: SampleMessage): number {
  return Math.max(0, learningFrom - (steps - learningFrom) / 2);
}

/** What readouts say over time, against their targets. */
export class SignalChart {
  readonly #panel: Panel;
  #plot: uPlot | undefined;

  constructor(panel: Panel) {
    this.#panel = panel;
  }

  draw(sample: SampleMessage): void {
    const { readout, target, step, resolution } = sample;
    this.#panel.note.textContent = `iteration ${sample.iteration}`;
    this.#plot ??= this.#create(sample);
    this.#plot.setData([step.map((at) => at * resolution), ...readout, ...target] as uPlot.AlignedData);
  }

  #create(sample: SampleMessage): uPlot {
    const { steps, resolution } = sample;
    const { length: readouts } = sample.readout;
    const hues = ["blue", "orange", "green", "purple"] as const;
    const hue = (readout: number) => hues[readout % hues.length] ?? "blue";
    const series = (readout: number, kind: "readout" | "target"): uPlot.Series => {
      const target = kind === "target";
      const stroke = () => colour(readouts === 1 && target ? "orange" : hue(readout));
      return {
        label: `${kind === "target" ? "target y*" : "readout y"}${readouts > 1 ? `_${readout}` : ""}`,
        stroke,
        width: target ? 1.5 : 2,
        ...(target && { dash: [6, 4] }),
        points: { show: false },
        value: (_, value) => significant(value, 3),
      };
    };
    const all = Array.from({ length: readouts }, (_, at) => at);
    const lines = [...all.map((at) => series(at, "readout")), ...all.map((at) => series(at, "target"))];
    return new uPlot(
      {
        width: this.#panel.width,
        height: this.#panel.height,
        scales: { x: { time: false, range: [shownFrom(sample) * resolution, steps * resolution] } },
        axes: axes("time in sequence (ms)", "signal"),
        series: [{ label: "t (ms)" }, ...lines],
        cursor: { points: { size: 7 } },
        legend: {
          live: readouts <= 4,
          markers: {
            width: 0,
            fill: (plot, at) => (plot.series[at]?.stroke as (() => string) | undefined)?.() ?? colour("soft"),
          },
        },
      },
      undefined,
      this.#panel.place,
    );
  }

  reset(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
  }
}
