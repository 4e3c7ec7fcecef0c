import { range } from "../../page/numbers.js";
import { colour } from "../../page/scheme.js";
import type { SampleMessage } from "../messages.js";
import { trace, upright } from "./axes.js";
import { Canvas, type Panel } from "./panel.js";

/** The curve that two readouts draw in the plane, against its target. */
export class PlaneChart {
  readonly #panel: Panel;
  readonly #canvas: Canvas;

  constructor(panel: Panel) {
    this.#panel = panel;
    this.#canvas = new Canvas(panel, "the drawn pattern against its target");
  }

  draw(sample: SampleMessage): void {
    const [x = [], y = []] = sample.readout;
    const [wantedX = [], wantedY = []] = sample.target;
    this.#panel.note.textContent = `iteration ${sample.iteration}: readout (line) on its target (band)`;
    // The target sets the frame: what is far off at first does not make the pattern small.
    const [centreX, reachX] = extent(wantedX);
    const [centreY, reachY] = extent(wantedY);
    this.#canvas.draw((context, width, height) => {
      const scale = Math.min(width / reachX, height / reachY) * 0.8;
      const across = (value: number) => width / 2 + (value - centreX) * scale;
      const up = (value: number) => height / 2 - (value - centreY) * scale;
      const curve = (xs: number[], ys: number[], ink: "blue" | "orange", thickness: number) => {
        context.strokeStyle = colour(ink);
        context.lineWidth = thickness;
        context.lineJoin = "round";
        trace(context, xs.map(across), ys.map(up));
      };
      context.globalAlpha = 0.45;
      curve(wantedX, wantedY, "orange", 7);
      context.globalAlpha = 1;
      curve(x, y, "blue", 1.5);
      context.fillStyle = colour("soft");
      context.textAlign = "right";
      context.textBaseline = "bottom";
      context.fillText("y_0 →", width - 6, height - 4);
      upright(context, "y_1 →", 10, 40);
    });
  }
}

/** Centre and length of a list's range. */
function extent(values: readonly number[]): [number, number] {
  const [low, high] = range(values);
  return [(low + high) / 2, high - low || 1];
}
