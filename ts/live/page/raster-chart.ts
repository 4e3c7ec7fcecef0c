import { colour } from "../../page/scheme.js";
import type { Raster, RunInfo, SampleMessage } from "../messages.js";
import { timeAxis, timeTicks, upright } from "./axes.js";
import { Canvas, type Panel } from "./panel.js";

/** How many neurons of a population a raster has. */
function shown({ rows, neurons }: Raster, name: string): string {
  return rows < neurons ? `${rows} of ${neurons} ${name}` : `${neurons} ${name}`;
}

/** Part of the height that the inputs have. */
const inputShare = 0.36;

/** Room for a time axis (pixels). */
const axisRoom = 40;

/** Spikes of inputs and of recurrent neurons, a row each. */
export class RasterChart {
  readonly #panel: Panel;
  readonly #canvas: Canvas;
  readonly #populations: RunInfo["populations"];

  constructor(panel: Panel, populations: RunInfo["populations"]) {
    this.#panel = panel;
    this.#populations = populations;
    this.#canvas = new Canvas(panel, "raster of input and recurrent spikes");
  }

  draw(sample: SampleMessage): void {
    const { input, recurrent, steps, resolution } = sample;
    this.#panel.note.textContent = `iteration ${sample.iteration}: ${shown(input, "inputs")}, ${shown(recurrent, "neurons")}`;
    this.#canvas.draw((context, width, height) => {
      const [left, right, axisTop] = [52, width - 8, height - axisRoom];
      const at = (step: number) => left + (step / steps) * (right - left);
      const ticks = timeTicks(steps * resolution, right - left);
      context.fillStyle = colour("grid");
      for (const tick of ticks) context.fillRect(at(tick / resolution), 4, 1, axisTop - 4);
      const wide = Math.max(1.2, Math.min(2, (right - left) / steps));
      const paint = (raster: Raster, top: number, bottom: number, ink: string) => {
        const row = (bottom - top) / raster.rows;
        const mark = Math.min(5, Math.max(1, row * 0.8));
        context.fillStyle = ink;
        raster.step.forEach((step, spike) => {
          const place = bottom - ((raster.row[spike] ?? 0) + 0.5) * row;
          context.fillRect(at(step) - wide / 2, place - mark / 2, wide, mark);
        });
      };
      const divide = Math.round(axisTop * inputShare);
      const separator = (y: number) => {
        context.fillStyle = colour("line");
        context.fillRect(left, y, right - left, 1);
      };
      const inputs = [6, divide - 6] as const;
      paint(input, ...inputs, colour("soft"));
      label(context, "input i", input.neurons, inputs, left);
      separator(divide);
      const [top, bottom] = [divide + 6, axisTop - 4];
      paint(recurrent, top, bottom, colour("blue"));
      let below = bottom;
      for (const { name, n } of this.#populations) {
        const above = below - (n / recurrent.neurons) * (bottom - top);
        if (below < bottom) separator(Math.round(below));
        const short = this.#populations.length > 1 ? name.replace(/ neurons\b/, "") : "neuron j";
        label(context, short, n, [above, below], left);
        below = above;
      }
      timeAxis(context, ticks, (time) => at(time / resolution), axisTop, (left + right) / 2);
    });
  }
}

/** Names a population left of its rows. */
function label(
  context: CanvasRenderingContext2D,
  text: string,
  size: number,
  [top, bottom]: readonly [number, number],
  left: number,
): void {
  context.fillStyle = colour("soft");
  context.textAlign = "right";
  context.textBaseline = "bottom";
  context.fillText("1", left - 6, bottom);
  context.textBaseline = "top";
  context.fillText(String(size), left - 6, top);
  upright(context, text, 14, (top + bottom) / 2);
}
