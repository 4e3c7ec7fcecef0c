import { many } from "../core/words.js";
import type { Specification } from "./figure.js";
import { timePanel } from "./time-panel.js";

/** Rows of a raster at the most. */
const mostRows = 60;

/** Marks of a raster at the most: so many are drawn and searched at once without delay. */
const mostMarks = 6000;

/** Spikes closer together than this share of the time are drawn as one mark. */
const resolved = 1 / 800;

/** Spikes of a neuron that cannot be told apart at a figure's size; mostly a single one. */
export interface SpikeMark {
  neuron: number;
  from: number;
  to: number;
  spikes: number;
}

/** What a raster draws. */
export interface Raster {
  marks: SpikeMark[];
  /** Every how many neurons one is drawn. */
  every: number;
}

/**
 * The marks of a raster: as many as a person can tell apart, however many spikes there are. Of many neurons every
 * second, third, … is drawn, with all of its spikes; spikes that would overlap are one mark.
 *
 * @param neurons Places of the neurons that spiked, from 0 on; times ascend.
 */
export function rasterOf(
  times: ArrayLike<number>,
  neurons: ArrayLike<number>,
  size: number,
  duration: number,
): Raster {
  const gap = duration * resolved;
  let every = Math.max(1, Math.ceil(size / mostRows));
  for (;;) {
    const marks: SpikeMark[] = [];
    const open = new Map<number, SpikeMark>();
    for (let spike = 0; spike < times.length; spike++) {
      const neuron = neurons[spike] as number;
      if (neuron % every !== 0) continue;
      const time = times[spike] as number;
      const last = open.get(neuron);
      if (last !== undefined && time - last.to < gap) {
        last.to = time;
        last.spikes++;
        continue;
      }
      const mark = { neuron: neuron + 1, from: time, to: time, spikes: 1 };
      marks.push(mark);
      open.set(neuron, mark);
    }
    if (marks.length <= mostMarks || every >= size) return { marks, every };
    every *= Math.ceil(marks.length / mostMarks);
  }
}

/** A panel with the spikes of a population of `size` neurons. */
export function rasterPanel(
  raster: Raster,
  size: number,
  labels: { symbol: string; text: string; neuron: string },
  height: number,
): Specification {
  const of = raster.every === 1 ? many(size, "neuron") : `1 in ${raster.every} of ${many(size, "neuron")}`;
  return timePanel({
    symbol: labels.symbol,
    text: `${labels.text}, ${of}`,
    height,
    data: { values: raster.marks },
    mark: { type: "rect", style: "spikes", height: (0.7 * raster.every * height) / (size + 1) },
    x: { field: "from" },
    y: {
      field: "neuron",
      scale: { domain: [0, size + 1], nice: false },
      axis: { values: [1, size], grid: false, format: "d" },
    },
    encoding: {
      x2: { field: "to" },
      tooltip: [
        { field: "neuron", title: labels.neuron },
        { field: "from", title: "t (ms)" },
        { field: "to", title: "to (ms)" },
        { field: "spikes" },
      ],
    },
  });
}
