import { colour } from "../../page/scheme.js";

/** Axes of a plot. */
export function axes(xLabel: string, yLabel: string): uPlot.Axis[] {
  const common: uPlot.Axis = {
    stroke: () => colour("soft"),
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
    labelSize: 16,
    grid: { stroke: () => colour("grid"), width: 1 },
    ticks: { stroke: () => colour("line"), width: 1, size: 4 },
  };
  return [
    { ...common, label: xLabel, size: 26, space: 60 },
    { ...common, label: yLabel, size: 52, space: 28 },
  ];
}

/** Text that runs upwards. */
export function upright(context: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, 0, 0);
  context.restore();
}

/** Round times from a begin to an end (ms), about 80 pixels apart. */
export function timeTicks(end: number, pixels: number, begin = 0): number[] {
  const rough = ((end - begin) * 80) / pixels;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(begin / step);
  return Array.from({ length: Math.floor(end / step) - first + 1 }, (_, at) => (first + at) * step);
}

/** A time axis of a canvas. */
export function timeAxis(
  context: CanvasRenderingContext2D,
  ticks: readonly number[],
  at: (time: number) => number,
  top: number,
  centre: number,
): void {
  context.fillStyle = colour("soft");
  context.textAlign = "center";
  context.textBaseline = "top";
  const right = context.canvas.width / devicePixelRatio;
  for (const tick of ticks) {
    const half = context.measureText(String(tick)).width / 2;
    context.fillText(String(tick), Math.min(at(tick), right - half), top + 4);
  }
  context.fillText("time in sequence (ms)", centre, top + 22);
}

/** A line through points. */
export function trace(context: CanvasRenderingContext2D, xs: readonly number[], ys: readonly number[]): void {
  context.beginPath();
  xs.forEach((x, at) => context.lineTo(x, ys[at] ?? 0));
  context.stroke();
}
