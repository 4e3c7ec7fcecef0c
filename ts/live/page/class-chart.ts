import { range, significant } from "../../page/numbers.js";
import { colour } from "../../page/scheme.js";
import type { SampleMessage } from "../messages.js";
import { timeAxis, timeTicks, trace, upright } from "./axes.js";
import { Canvas, type Panel } from "./panel.js";
import { shownFrom } from "./signal-chart.js";

/** What readouts say of many classes: the wanted one stands out. */
export class ClassChart {
  readonly #panel: Panel;
  readonly #canvas: Canvas;

  constructor(panel: Panel) {
    this.#panel = panel;
    this.#canvas = new Canvas(panel, "readout signals by class");
  }

  draw(sample: SampleMessage): void {
    const { readout, target, steps, step, resolution } = sample;
    const sums = target.map((signal) => signal.reduce((sum, value) => sum + value, 0));
    const wanted = sums.indexOf(Math.max(...sums));
    this.#panel.note.textContent = `iteration ${sample.iteration}: the class is ${wanted} (thick)`;
    const [low, high] = range(readout.flat());
    this.#canvas.draw((context, width, height) => {
      const [left, right, top, bottom] = [52, width - 8, 8, height - 44];
      const from = shownFrom(sample);
      const x = (at: number) => left + ((at - from) / (steps - from)) * (right - left);
      const y = (value: number) => bottom - ((value - low) / (high - low || 1)) * (bottom - top);
      const ticks = timeTicks(steps * resolution, right - left, from * resolution);
      context.fillStyle = colour("grid");
      for (const tick of ticks) context.fillRect(x(tick / resolution), top, 1, bottom - top);
      const begin = Math.max(
        0,
        step.findIndex((place) => place >= from),
      );
      const xs = step.slice(begin).map(x);
      readout.forEach((signal, at) => {
        context.strokeStyle = colour(at === wanted ? "blue" : "soft");
        context.globalAlpha = at === wanted ? 1 : 0.5;
        context.lineWidth = at === wanted ? 2.5 : 1;
        trace(context, xs, signal.slice(begin).map(y));
      });
      context.globalAlpha = 1;
      context.fillStyle = colour("soft");
      context.textAlign = "right";
      context.textBaseline = "middle";
      context.fillText(significant(low, 2), left - 6, bottom - 4);
      context.fillText(significant(high, 2), left - 6, top + 4);
      upright(context, "readout y_k", 14, (top + bottom) / 2);
      timeAxis(context, ticks, (time) => x(time / resolution), bottom, (left + right) / 2);
    });
  }
}
