import type {
  End,
  IterationColumns,
  Messages,
  Progress,
  Raster,
  RunInfo,
  SampleMessage,
  Update,
} from "../messages.js";

/** Makes an element in a parent. */
function element<K extends keyof HTMLElementTagNameMap>(
  parent: Element,
  name: K,
  text = "",
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
}

/** A colour of the page's style, as it is in the present colour scheme. */
function colour(name: "ink" | "soft" | "line" | "grid" | "blue" | "orange" | "green" | "purple"): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function significant(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6))
    return value.toExponential(digits - 2);
  return String(Number(value.toPrecision(digits)));
}

/** A time as people say it. */
function duration(seconds: number | null): string {
  if (seconds === null) return "–";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** A figure with its title, a line of text that changes, and a place to draw in. */
class Panel {
  readonly place: HTMLElement;
  readonly caption: HTMLElement;
  readonly note: HTMLElement;

  constructor(parent: HTMLElement, title: string) {
    const figure = element(parent, "figure");
    this.caption = element(figure, "figcaption");
    element(this.caption, "h2", title);
    this.note = element(this.caption, "span");
    this.place = element(figure, "div");
  }

  get width(): number {
    return Math.max(200, Math.floor(this.place.clientWidth));
  }
}

/** How the iterations of a phase are drawn: told apart by form as well as by colour. */
const phaseLooks = {
  training: { colour: "blue", line: 1.5, points: false, dash: [] },
  validation: { colour: "orange", line: 1, points: true, dash: [4, 3] },
  "early-stopping": { colour: "purple", line: 0, points: true, dash: [] },
  test: { colour: "green", line: 0, points: true, dash: [] },
} as const;
type Phase = keyof typeof phaseLooks;

function axes(xLabel: string, yLabel: string): uPlot.Axis[] {
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

type Quantity = "loss" | "error" | "rate" | "gradient";

/** Values that span more than this factor are better seen on a logarithmic scale. */
const wideRange = 30;

/** A quantity over iterations, a series for each phase. */
class CourseChart {
  readonly #panel: Panel;
  readonly #quantity: Quantity;
  readonly #label: string;
  #phases: Phase[] = [];
  #plot: uPlot | undefined;
  #logarithmic = false;
  #chosen = false;
  readonly #button: HTMLButtonElement | undefined;

  constructor(panel: Panel, quantity: Quantity, label: string) {
    this.#panel = panel;
    this.#quantity = quantity;
    this.#label = label;
    if (quantity !== "loss" && quantity !== "gradient") return;
    this.#button = element(panel.caption, "button", "log scale");
    this.#button.className = "small";
    this.#button.type = "button";
    this.#button.addEventListener("click", () => {
      this.#chosen = true;
      this.#scale(!this.#logarithmic);
      changed("course");
    });
  }

  /** Chooses the scale of values. */
  #scale(logarithmic: boolean): void {
    if (this.#button === undefined || logarithmic === this.#logarithmic) return;
    this.#logarithmic = logarithmic;
    this.#button.textContent = logarithmic ? "linear scale" : "log scale";
    this.reset();
  }

  draw(iterations: IterationColumns): void {
    const phases = [...new Set(iterations.phase)] as Phase[];
    const values = iterations[this.#quantity];
    if (!this.#chosen) {
      const [low, high] = range(values);
      this.#scale(low > 0 && high > wideRange * low);
    }
    if (this.#plot === undefined || phases.join() !== this.#phases.join()) {
      this.reset();
      this.#phases = phases;
      this.#plot = this.#create();
    }
    const series = phases.map((phase) =>
      values.map((value, at) =>
        iterations.phase[at] !== phase || (this.#logarithmic && !(value !== null && value > 0))
          ? null
          : value,
      ),
    );
    this.#plot.setData([iterations.iteration, ...series] as uPlot.AlignedData);
    this.#showLast();
  }

  #create(): uPlot {
    return new uPlot(
      {
        width: this.#panel.width,
        height: 170,
        scales: {
          x: { time: false },
          y: {
            distr: this.#logarithmic ? 3 : 1,
            range: (_, low, high) => this.#range(low, high),
          },
        },
        axes: axes("iteration", this.#label),
        series: [{ label: "iteration" }, ...this.#phases.map((phase) => this.#series(phase))],
        cursor: { sync: { key: "iterations" }, points: { size: 7 } },
        legend: { markers: { width: 0, fill: (_, at) => colour(this.#look(at - 1).colour) } },
        hooks: { setCursor: [() => this.#showLast()] },
      },
      undefined,
      this.#panel.place,
    );
  }

  #look(at: number): (typeof phaseLooks)[Phase] {
    return phaseLooks[this.#phases[at] ?? "training"];
  }

  #range(low: number, high: number): [number, number] {
    if (this.#logarithmic) return uPlot.rangeLog(low || 1e-3, high || 1, 10, false) as [number, number];
    const [from, to] = uPlot.rangeNum(low ?? 0, high ?? 1, 0.1, true) as [number, number];
    return this.#quantity === "error" ? [0, Math.max(0.1, Math.min(1.02, to))] : [Math.max(0, from), to];
  }

  #series(phase: Phase): uPlot.Series {
    const look = phaseLooks[phase];
    const stroke = () => colour(look.colour);
    return {
      label: phase,
      stroke,
      width: look.line,
      dash: [...look.dash],
      spanGaps: true,
      points: {
        show: look.points,
        size: 6,
        stroke,
        fill: () => (phase === "test" ? stroke() : colour("grid")),
      },
      value: (_, value) => significant(value),
    };
  }

  /** Shows each phase's last value in the legend while nothing is pointed at. */
  #showLast(): void {
    const plot = this.#plot;
    if (plot === undefined || (plot.cursor.left ?? -1) >= 0) return;
    const last = plot.data.map((column) => column.findLastIndex((value) => value !== null));
    plot.setLegend({ idxs: last } as unknown as { idx: number }, false);
  }

  reset(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
  }
}

/** A canvas as sharp as the screen. */
class Canvas {
  readonly #panel: Panel;
  readonly #canvas: HTMLCanvasElement;

  constructor(panel: Panel, label: string) {
    this.#panel = panel;
    this.#canvas = element(panel.place, "canvas");
    this.#canvas.setAttribute("role", "img");
    this.#canvas.setAttribute("aria-label", label);
  }

  /** Clears it and draws; sizes are in pixels of the page. */
  draw(height: number, paint: (context: CanvasRenderingContext2D, width: number) => void): void {
    const width = this.#panel.width;
    const scale = devicePixelRatio;
    this.#canvas.width = width * scale;
    this.#canvas.height = height * scale;
    this.#canvas.style.width = `${width}px`;
    this.#canvas.style.height = `${height}px`;
    const context = this.#canvas.getContext("2d");
    if (context === null) return;
    context.scale(scale, scale);
    context.font = "12px system-ui, sans-serif";
    paint(context, width);
  }

  remove(): void {
    this.#canvas.remove();
  }
}

/** How many neurons of a population a raster has. */
function shown({ rows, neurons }: Raster, name: string): string {
  return rows < neurons ? `${rows} of ${neurons} ${name}` : `${neurons} ${name}`;
}

/** Spikes of inputs and of recurrent neurons, a row each. */
class RasterChart {
  readonly #panel: Panel;
  readonly #canvas: Canvas;

  constructor(panel: Panel) {
    this.#panel = panel;
    this.#canvas = new Canvas(panel, "raster of input and recurrent spikes");
  }

  draw(sample: SampleMessage): void {
    const { input, recurrent, steps, resolution } = sample;
    this.#panel.note.textContent = `iteration ${sample.iteration}: ${shown(input, "inputs")}, ${shown(recurrent, "neurons")}`;
    this.#canvas.draw(290, (context, width) => {
      const [left, right] = [52, width - 8];
      const at = (step: number) => left + (step / steps) * (right - left);
      const axisTop = 250;
      const ticks = timeTicks(steps * resolution, right - left);
      context.fillStyle = colour("grid");
      for (const tick of ticks) context.fillRect(at(tick / resolution), 4, 1, axisTop - 4);
      const paint = (raster: Raster, top: number, bottom: number, ink: string, label: string) => {
        const height = (bottom - top) / raster.rows;
        const mark = Math.min(5, Math.max(1, height * 0.8));
        const wide = Math.max(1.2, Math.min(2, (right - left) / steps));
        context.fillStyle = ink;
        raster.step.forEach((step, spike) => {
          const row = raster.row[spike] ?? 0;
          context.fillRect(at(step) - wide / 2, bottom - (row + 0.5) * height - mark / 2, wide, mark);
        });
        context.fillStyle = colour("soft");
        context.textAlign = "right";
        context.textBaseline = "bottom";
        context.fillText("1", left - 6, bottom + 2);
        context.textBaseline = "top";
        context.fillText(String(raster.neurons), left - 6, top - 2);
        upright(context, label, 14, (top + bottom) / 2);
      };
      paint(input, 6, 96, colour("soft"), "input i");
      paint(recurrent, 108, axisTop - 4, colour("blue"), "neuron j");
      context.fillStyle = colour("line");
      context.fillRect(left, 102, right - left, 1);
      timeAxis(context, ticks, (time) => at(time / resolution), axisTop, (left + right) / 2);
    });
  }
}

function upright(context: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, 0, 0);
  context.restore();
}

/** Round times from a begin to an end (ms), about 80 pixels apart. */
function timeTicks(end: number, pixels: number, begin = 0): number[] {
  const rough = ((end - begin) * 80) / pixels;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(begin / step);
  return Array.from({ length: Math.floor(end / step) - first + 1 }, (_, at) => (first + at) * step);
}

function timeAxis(
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

/** The step from which signals are shown: errors count in the learning window, what precedes a short one is of less interest. */
function shownFrom({ steps, learningFrom }: SampleMessage): number {
  return Math.max(0, learningFrom - (steps - learningFrom) / 2);
}

/** What readouts say over time, against their targets. */
class SignalChart {
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
        height: 230,
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

/** What readouts say of many classes: the wanted one stands out. */
class ClassChart {
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
    this.#canvas.draw(250, (context, width) => {
      const [left, right, top, bottom] = [52, width - 8, 8, 206];
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

function trace(context: CanvasRenderingContext2D, xs: readonly number[], ys: readonly number[]): void {
  context.beginPath();
  xs.forEach((x, at) => context.lineTo(x, ys[at] ?? 0));
  context.stroke();
}

/** The curve that two readouts draw in the plane, against its target. */
class PlaneChart {
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
    this.#canvas.draw(300, (context, width) => {
      const scale = Math.min(width / reachX, 300 / reachY) * 0.8;
      const across = (value: number) => width / 2 + (value - centreX) * scale;
      const up = (value: number) => 150 - (value - centreY) * scale;
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
      context.fillText("y_0 →", width - 6, 296);
      upright(context, "y_1 →", 10, 40);
    });
  }
}

/** The smallest and the largest of the values that are there. */
function range(values: readonly (number | null)[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

/** Centre and length of a list's range. */
function extent(values: readonly number[]): [number, number] {
  const [low, high] = range(values);
  return [(low + high) / 2, high - low || 1];
}

const bar = byId("bar");
const stop = byId("stop") as HTMLButtonElement;
const learning = byId("learning");
const sequence = byId("sequence");

/** What is known of the training. */
let run: RunInfo | undefined;
let iterations: IterationColumns = { iteration: [], phase: [], loss: [], error: [], rate: [], gradient: [] };
let progress: Progress | undefined;
let progressAt = 0;
let sample: SampleMessage | undefined;
let ended: End | undefined;
let asked = false;
let lost = false;

/** What is drawn, made when it is known what the training is. */
let courses: CourseChart[] = [];
let views: { draw(sample: SampleMessage): void; reset?(): void }[] = [];
const numbers = new Map<string, HTMLElement>();

/** Parts of the page that no longer show what is known. */
const stale = new Set<"course" | "sample" | "numbers">();

function changed(part: "course" | "sample" | "numbers"): void {
  // A hidden page draws nothing until it is looked at.
  if (stale.size === 0) requestAnimationFrame(draw);
  stale.add(part);
}

function draw(): void {
  if (stale.has("course") && iterations.iteration.length > 0) {
    for (const chart of courses) chart.draw(iterations);
  }
  if (stale.has("sample") && sample !== undefined) {
    views = views.length > 0 ? views : sampleViews(sample);
    for (const view of views) view.draw(sample);
  }
  drawNumbers();
  stale.clear();
}

function sampleViews({ readout }: SampleMessage): typeof views {
  const readouts = readout.length;
  const pattern = run?.kind === "regression" && readouts === 2;
  const title = pattern ? "Drawn pattern" : readouts > 4 ? "Readouts by class" : "Readout against target";
  const panel = new Panel(sequence, title);
  const signals = pattern
    ? new PlaneChart(panel)
    : readouts > 4
      ? new ClassChart(panel)
      : new SignalChart(panel);
  return [signals, new RasterChart(new Panel(sequence, "Spikes"))];
}

function show(name: string, value: string): void {
  const place = numbers.get(name);
  if (place !== undefined && place.textContent !== value) place.textContent = value;
}

function drawNumbers(): void {
  const last = iterations.iteration.length - 1;
  const planned = run?.planned ?? 0;
  const done = progress?.done ?? 0;
  const since = ended === undefined && !lost ? (performance.now() - progressAt) / 1000 : 0;
  show("iteration", `${done} / ${planned}`);
  show("loss", significant(iterations.loss[last]));
  show(
    "error",
    significant(
      iterations.error.findLast((error) => error !== null),
      3,
    ),
  );
  show("firing rate", `${significant(iterations.rate[last], 3)} /s`);
  show("elapsed", duration((progress?.elapsed ?? 0) + since));
  const left = progress?.left ?? null;
  show("time left", duration(ended !== undefined || left === null ? null : left - since));
  show("per iteration", `${significant(progress?.ms, 3)} ms`);
  byId("done").style.transform = `scaleX(${planned === 0 ? 0 : Math.min(1, done / planned)})`;
  bar.setAttribute("aria-valuemax", String(planned));
  bar.setAttribute("aria-valuenow", String(done));
  drawState();
}

function drawState(): void {
  const ending = asked || progress?.ending === true;
  const endings: Readonly<Record<End["how"], string>> = {
    schedule: "finished",
    "early-stopping": "finished early: errors are small enough",
    request: "stopped; everything is saved",
    failure: "failed",
  };
  const [name, text] =
    ended !== undefined
      ? ["ended", endings[ended.how] + (ended.message === undefined ? "" : `: ${ended.message}`)]
      : progress?.saving === true
        ? ["ending", "saving"]
        : lost
          ? ["lost", "the run does not answer"]
          : ending
            ? ["ending", "ending after this iteration"]
            : run === undefined
              ? ["connecting", "connecting"]
              : ["running", progress?.phase || "starting"];
  const state = byId("state");
  state.dataset.state = name;
  if (state.textContent !== text) state.textContent = text;
  stop.disabled = name !== "running";
  document.title = `${ended === undefined ? `${progress?.done ?? 0}/${run?.planned ?? 0}` : name} ${run?.task ?? ""} · eprop`;
}

/** Begins anew with what a server says the training is. */
function greet(info: RunInfo): void {
  run = info;
  ended = undefined;
  byId("task").textContent = `${info.task}, seed ${info.seed}`;
  byId("text").textContent = info.text;
  numbers.clear();
  const list = byId("numbers");
  list.replaceChildren();
  const classes = info.kind === "classification";
  for (const name of [
    "iteration",
    "loss",
    ...(classes ? ["error"] : []),
    "firing rate",
    "elapsed",
    "time left",
    "per iteration",
  ]) {
    const entry = element(list, "div");
    element(entry, "dt", name);
    numbers.set(name, element(entry, "dd", "–"));
  }
  const facts = byId("facts");
  facts.replaceChildren();
  const folder: [string, string][] = info.folder === undefined ? [] : [["run folder", info.folder]];
  for (const [name, value] of [...folder, ...info.facts]) {
    const entry = element(facts, "div");
    element(entry, "dt", name);
    element(entry, "dd", value);
  }
  learning.replaceChildren();
  sequence.replaceChildren();
  views = [];
  courses = [
    new CourseChart(new Panel(learning, "Loss"), "loss", "loss"),
    ...(classes ? [new CourseChart(new Panel(learning, "Error"), "error", "share wrong")] : []),
    new CourseChart(new Panel(learning, "Firing rate"), "rate", "spikes/s"),
    ...(info.gradient && !classes
      ? [new CourseChart(new Panel(learning, "Gradient"), "gradient", "norm")]
      : []),
  ];
}

function append(columns: IterationColumns, news: IterationColumns): void {
  columns.iteration.push(...news.iteration);
  columns.phase.push(...news.phase);
  columns.loss.push(...news.loss);
  columns.error.push(...news.error);
  columns.rate.push(...news.rate);
  columns.gradient.push(...news.gradient);
}

const handlers: { [K in keyof Messages]: (data: Messages[K]) => void } = {
  run: greet,
  update(update: Update) {
    if (update.whole) iterations = update.iterations;
    else append(iterations, update.iterations);
    progress = update.progress;
    progressAt = performance.now();
    changed("course");
  },
  sample(data: SampleMessage) {
    sample = data;
    changed("sample");
  },
  end(data: End) {
    ended = data;
    events.close();
    changed("numbers");
  },
};

const events = new EventSource("events");
events.addEventListener("open", () => {
  lost = false;
});
events.addEventListener("error", () => {
  lost = ended === undefined;
  changed("numbers");
});
for (const name of Object.keys(handlers) as (keyof Messages)[]) {
  events.addEventListener(name, ({ data }: MessageEvent<string>) => {
    (handlers[name] as (value: unknown) => void)(JSON.parse(data));
  });
}

stop.addEventListener("click", async () => {
  asked = true;
  changed("numbers");
  const answer = await fetch("stop", { method: "POST" }).catch(() => undefined);
  if (answer?.ok) return;
  asked = false;
  changed("numbers");
});

setInterval(() => changed("numbers"), 1000);

/** Draws everything anew, in the present size and colours. */
function redraw(): void {
  for (const chart of courses) chart.reset();
  for (const view of views) view.reset?.();
  changed("course");
  changed("sample");
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth !== width) redraw();
  width = innerWidth;
});
