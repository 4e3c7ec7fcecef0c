/** The infinite-loop tutorial: two readouts learn a sine over one and over two periods. */
import { trainPattern } from "./pattern.js";
import { linspace } from "./support.js";

const phase = linspace(0, 2 * Math.PI, 1258);
const coordinates = [phase.map((x) => Math.sin(x)), phase.map((x) => Math.sin(2 * x))];
trainPattern(1, coordinates, 10).forEach((loss, at) =>
  console.log(`iteration ${at + 1}: loss ${loss.toFixed(6)}`),
);
