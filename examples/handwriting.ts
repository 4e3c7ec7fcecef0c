/** The handwriting tutorial: two readouts learn the coordinates of a pen; its offsets are read from a file. */
import { readFileSync } from "node:fs";
import { trainPattern } from "./pattern.js";

const file = process.argv[2];
if (file === undefined) throw new Error("give a text file with two columns of pen offsets");
const offsets = readFileSync(file, "utf8")
  .trim()
  .split("\n")
  .map((line) => line.trim().split(/\s+/).map(Number));

const coordinates = [0, 1].map((axis) => {
  let position = 0;
  const positions = offsets.map((offset) => (position += offset[axis] ?? 0));
  const largest = Math.max(...positions.map(Math.abs));
  const scaled = positions.map((value) => value / largest);
  const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
  return Array.from({ length: 8 * scaled.length }, (_, step) => {
    const point = Math.floor(step / 8);
    const here = (scaled[point] ?? 0) - mean;
    const next = (scaled[point + 1] ?? scaled[point] ?? 0) - mean;
    return (next - here) * (step / 8 - point) + here;
  });
});
trainPattern(1, coordinates, 10).forEach((loss, at) =>
  console.log(`iteration ${at + 1}: loss ${loss.toFixed(6)}`),
);
