import { styleText } from "node:util";
import { Pace } from "../training/pace.js";
import type { Iteration } from "../training/index.js";

/** Shortest time between two updates of a line on a terminal, and between two lines elsewhere (ms). */
const terminalInterval = 100;
const plainInterval = 2000;

const bars = "▁▂▃▄▅▆▇█";

/** Values as a row of bars; those that span more than a factor of 30 by their logarithms. */
export function sparkline(values: readonly number[]): string {
  const numbers = values.filter((value) => Number.isFinite(value));
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const scale = low > 0 && high > 30 * low ? Math.log : (value: number) => value;
  const [from, to] = [scale(low), scale(high)];
  return values
    .map((value) => {
      if (!Number.isFinite(value)) return "!";
      const height = to === from ? 0 : (scale(value) - from) / (to - from);
      return bars[Math.min(bars.length - 1, Math.floor(height * bars.length))];
    })
    .join("");
}

/** The course of a quantity in at most so many values, however long it gets: means of equal stretches. */
export class Course {
  readonly #most: number;
  #stretch = 1;
  #means: number[] = [];
  #sum = 0;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(value: number): void {
    this.#sum += value;
    this.#count++;
    if (this.#count < this.#stretch) return;
    this.#means.push(this.#sum / this.#count);
    [this.#sum, this.#count] = [0, 0];
    if (this.#means.length < 2 * this.#most) return;
    this.#means = Array.from(
      { length: this.#most },
      (_, at) => ((this.#means[2 * at] as number) + (this.#means[2 * at + 1] as number)) / 2,
    );
    this.#stretch *= 2;
  }

  /** The course so far; pairs are joined where there are more values than wanted. */
  values(): number[] {
    const means = this.#count > 0 && this.#means.length === 0 ? [this.#sum / this.#count] : this.#means;
    const each = Math.ceil(means.length / this.#most);
    return Array.from({ length: Math.ceil(means.length / each) || 0 }, (_, at) => {
      const part = means.slice(at * each, (at + 1) * each);
      return part.reduce((sum, value) => sum + value, 0) / part.length;
    });
  }
}

/** A time as people say it. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** A part of a line; those with the lowest rank are left out first where a line is too long. */
interface Part {
  text: string;
  rank: number;
  style?: Parameters<typeof styleText>[0];
}

/** Where lines go, as far as a progress line is concerned with it. */
export type LineStream = Pick<NodeJS.WriteStream, "write"> &
  Partial<Pick<NodeJS.WriteStream, "isTTY" | "columns" | "hasColors">>;

/** Shows how far a training is: in place on a terminal, else a line every two seconds. */
export class ProgressLine {
  readonly #stream: LineStream;
  readonly #inPlace: boolean;
  readonly #pace: Pace;
  readonly #losses = new Course(16);
  #shown = Number.NEGATIVE_INFINITY;
  #last: Iteration | undefined;
  #pending = false;

  /** @param total Iterations of all phases. */
  constructor(total: number, stream: LineStream) {
    this.#stream = stream;
    this.#inPlace = stream.isTTY === true && process.env.TERM !== "dumb";
    this.#pace = new Pace(total);
  }

  show(iteration: Iteration): void {
    this.#last = iteration;
    this.#pace.push(iteration);
    this.#pending = true;
    if (iteration.phase === "training") this.#losses.add(iteration.loss);
    const since = performance.now() - this.#shown;
    if (since >= (this.#inPlace ? terminalInterval : plainInterval)) this.#write();
  }

  #write(): void {
    if (this.#last === undefined) return;
    this.#shown = performance.now();
    this.#pending = false;
    const line = this.#line(this.#last);
    this.#stream.write(this.#inPlace ? `\r\u001b[K${line}` : `${line}\n`);
  }

  #line({ iteration, phase, loss, error, ms }: Iteration): string {
    const left = this.#pace.left();
    const parts: Part[] = [
      { text: `${iteration}/${this.#pace.planned}`, rank: 9 },
      { text: phase, rank: 6, style: "bold" },
      { text: `loss ${loss.toPrecision(6)}`, rank: 8 },
      ...(error === undefined ? [] : [{ text: `error ${error.toFixed(3)}`, rank: 7 }]),
      ...(left === undefined ? [] : [{ text: `${duration(left)} left`, rank: 5 }]),
      ...(this.#inPlace
        ? ([{ text: sparkline(this.#losses.values()), rank: 4, style: "cyan" }] as const)
        : []),
      { text: `${ms.toFixed(2)} ms/iteration`, rank: 3, style: "dim" },
    ];
    const shown = parts.filter(({ text }) => text !== "");
    if (!this.#inPlace) return shown.map(({ text }) => text).join("  ");
    // A line that wraps can't be written over.
    const most = (this.#stream.columns || 80) - 1;
    const length = () => shown.reduce((sum, { text }) => sum + text.length + 2, -2);
    while (shown.length > 1 && length() > most) {
      const lowest = Math.min(...shown.map(({ rank }) => rank));
      shown.splice(
        shown.findIndex(({ rank }) => rank === lowest),
        1,
      );
    }
    const coloured = this.#stream.hasColors?.() === true;
    const styled = ({ text, style }: Part) =>
      coloured && style !== undefined ? styleText(style, text, { validateStream: false }) : text;
    return shown.map(styled).join("  ");
  }

  /** Shows the last iteration, and leaves the line. */
  end(): void {
    if (this.#last === undefined) return;
    if (this.#pending) this.#write();
    if (this.#inPlace) this.#stream.write("\n");
    this.#last = undefined;
  }
}
