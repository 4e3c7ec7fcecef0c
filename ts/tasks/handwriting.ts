import { optional, path } from "../core/arguments.js";
import { basename } from "node:path";
import { nestError } from "../core/errors.js";
import { type patternParameters, patternTask } from "./pattern.js";
import { drawnWord, ownDrawing, readPenOffsets } from "./pen-strokes.js";
import { ownOptions } from "./options.js";
import type { PoolDescription } from "./network-description.js";
import type { Task, TaskOptions } from "./task.js";

const stepsPerPoint = 8;

/** The coordinate along one axis at each step, from the pen's offsets along it. */
function coordinate(offsets: Float64Array): Float64Array {
  let position = 0;
  const positions = offsets.map((offset) => (position += offset));
  const largest = positions.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (!(largest > 0)) {
    throw nestError({
      code: "ValueError",
      message: "the pen does not move along an axis",
      parameter: "data",
      bound: "offsets that do not all vanish",
    });
  }
  const scaled = positions.map((value) => value / largest);
  const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
  const centred = scaled.map((value) => value - mean);
  return Float64Array.from({ length: centred.length * stepsPerPoint }, (_, step) => {
    const point = Math.floor(step / stepsPerPoint);
    const here = centred[point] as number;
    const next = centred[point + 1] ?? here;
    return (next - here) * (step / stepsPerPoint - point) + here;
  });
}

/** Write a word by hand: two readouts learn the coordinates of a pen. `data` names a file of pen offsets. */
export function handwriting(
  asked: TaskOptions<typeof patternParameters> & { data?: string } = {},
): Task<PoolDescription> {
  const options = ownOptions(asked, { data: optional(path) });
  const { data } = options;
  return patternTask(
    "handwriting",
    "Write a word by hand from frozen noise",
    () => {
      const { x, y } = data === undefined ? drawnWord() : readPenOffsets(data);
      return [coordinate(x), coordinate(y)];
    },
    options,
    { data: data === undefined ? ownDrawing : basename(data) },
  );
}
