/** The page of a sweep: parallel coordinates, a scatter plot, learning curves and a table, which answer together. */

import { byId } from "../../page/dom.js";
import { significant } from "../../page/numbers.js";
import { followScheme } from "../../page/scheme.js";

interface Column {
  name: string;
  kind: "parameter" | "result";
  values: (number | string | null)[];
}
interface Payload {
  columns: Column[];
  status: string[];
  failures: (string | null)[];
  files: string[];
  curves: { iterations: number[]; losses: (number | null)[] }[];
}

/** Places of values along an axis, from 0 to 1; undefined of what it has no place for. */
interface Scale {
  log: boolean;
  ticks: { at: number; label: string }[];
  place(value: number | string | null | undefined): number | undefined;
}

const payload = JSON.parse(document.getElementById("payload")?.textContent ?? "{}") as Payload;
const { columns, status, failures, files, curves } = payload;
const count = files.length;
const root = byId("interactive");

/** A value as people write it: `0.0005` for a learning rate, no powers of ten below a million. */
function short(value: number | string | null): string {
  if (typeof value !== "number" || Math.abs(value) >= 1e6)
    return typeof value === "string" ? value : significant(value);
  return String(Number(value.toPrecision(4)));
}

/** Values that decide an axis' range: those of runs that diverged would hide the others. */
const steady = (column: Column) =>
  column.values.filter((_, run) => column.kind === "parameter" || status[run] !== "diverged");

function categories(column: Column): Scale {
  const names = [...new Set(column.values.filter((value) => value !== null).map(String))];
  const at = (index: number) => (names.length < 2 ? 0.5 : index / (names.length - 1));
  return {
    log: false,
    ticks: names.map((label, index) => ({ at: at(index), label })),
    place: (value) => (value === null || value === undefined ? undefined : at(names.indexOf(String(value)))),
  };
}

function numeric(values: readonly number[], whole: boolean): Scale {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const log = low > 0 && high / low > 8 && !whole;
  if (low === high)
    [low, high] = [low - Math.max(Math.abs(low) / 10, 0.1), high + Math.max(Math.abs(high) / 10, 0.1)];
  const [from, to] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  const at = (value: number) => ((log ? Math.log10(value) : value) - from) / (to - from);
  const wanted: number[] = [];
  if (log) {
    const steps = to - from > 3 ? [1] : to - from > 1.2 ? [1, 3] : [1, 2, 5];
    for (let power = Math.floor(from); power <= to; power++)
      wanted.push(...steps.map((step) => step * 10 ** power));
  } else {
    const rough = (high - low) / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = Math.max(
      whole ? 1 : 0,
      power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10),
    );
    for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step)
      wanted.push(value);
  }
  const inside = wanted.filter((value) => at(value) > -1e-9 && at(value) < 1 + 1e-9);
  const ticks = inside.length > 1 ? inside : [low, high];
  return {
    log,
    ticks: ticks.map((value) => ({ at: at(value), label: short(value) })),
    // What lies beyond, as losses of runs that diverged do, stands at the end.
    place: (value) => (typeof value === "number" ? Math.max(0, Math.min(1, at(value))) : undefined),
  };
}

function scaleOf(column: Column): Scale {
  const values = steady(column).filter((value) => value !== null);
  const numbers = values.filter((value) => typeof value === "number");
  if (numbers.length < values.length || numbers.length === 0) return categories(column);
  return numeric(numbers, numbers.every(Number.isInteger));
}

const scales = new Map(columns.map((column) => [column, scaleOf(column)]));
const scale = (column: Column) => scales.get(column) as Scale;
/** Whether a column tells runs apart. */
const varies = (column: Column) => new Set(column.values).size > 1;
const named = (name: string) => columns.find((column) => column.name === name);

const goal = (named("error") ??
  named("loss") ??
  columns.find(({ kind }) => kind === "result") ??
  columns[0]) as Column;
const state = {
  axes: columns.filter(
    (column) =>
      (varies(column) && (column.kind === "parameter" || ["loss", "error"].includes(column.name))) ||
      column === goal,
  ),
  x: (columns.find((column) => column.kind === "parameter" && column.name !== "seed" && varies(column)) ??
    columns[0]) as Column,
  y: goal,
  color: goal,
  sort: { column: goal, down: false },
  /** The parts of axes that runs must lie in. */
  brushes: new Map<Column, [number, number]>(),
  near: undefined as number | undefined,
};

function isSelected(run: number): boolean {
  return [...state.brushes].every(([column, [low, high]]) => {
    const at = scale(column).place(column.values[run]);
    return at !== undefined && at >= low && at <= high;
  });
}

function mixed(a: string, b: string, share: number): string {
  return `color-mix(in oklab, ${b} ${(share * 100).toFixed(1)}%, ${a})`;
}

/** The colour of a run: blue where its value is low, orange where it is high. */
function colorOf(run: number): string {
  const at = scale(state.color).place(state.color.values[run]);
  if (at === undefined) return "var(--soft)";
  return at < 0.5
    ? mixed("var(--blue)", "var(--soft)", at * 2)
    : mixed("var(--soft)", "var(--orange)", at * 2 - 1);
}

function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string | number>>,
  text?: string,
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

function html<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** A run's mark in a plot. */
function marked<T extends SVGElement>(element: T, run: number): T {
  element.classList.add("run");
  if (status[run] === "diverged") element.classList.add("diverged");
  element.dataset.run = String(run);
  return element;
}

/** A choice of a column. */
function chooser(label: string, get: () => Column, set: (column: Column) => void): HTMLLabelElement {
  const choice = html("select");
  choice.append(...columns.map(({ name }, at) => html("option", { value: String(at), textContent: name })));
  choice.setAttribute("aria-label", label);
  choice.value = String(columns.indexOf(get()));
  choice.addEventListener("change", () => {
    set(columns[Number(choice.value)] as Column);
    draw();
  });
  return html("label", {}, label, choice);
}

interface Panel {
  figure: HTMLElement;
  plot: HTMLElement;
}

function panel(title: string, caption: string, ...controls: Node[]): Panel {
  const plot = html("div", { className: "plot" });
  const figure = html(
    "figure",
    {},
    html("h2", { textContent: title }),
    html("div", { className: "controls" }, ...controls),
    plot,
    html("figcaption", { textContent: caption }),
  );
  return { figure, plot };
}

const axisBoxes = columns.map((column) => {
  const box = html("input", { type: "checkbox", checked: state.axes.includes(column) });
  box.addEventListener("change", () => {
    state.axes = columns.filter((of) => (of === column ? box.checked : state.axes.includes(of)));
    if (!box.checked) state.brushes.delete(column);
    draw();
  });
  return html("label", {}, box, column.name);
});
const clear = html("button", { type: "button", textContent: "select all" });
clear.addEventListener("click", () => {
  state.brushes.clear();
  draw();
});
const told = html("span", { className: "muted" });
told.setAttribute("aria-live", "polite");

const parallel = panel(
  "Runs over their values",
  "A line for each run. Drag along an axis to select runs, click it to let them go; those that diverged are dashed.",
  ...axisBoxes,
  chooser(
    "colour",
    () => state.color,
    (column) => (state.color = column),
  ),
  clear,
  told,
);
const scatter = panel(
  "One value against another",
  "A point for each run; crosses are runs that diverged.",
  chooser(
    "across",
    () => state.x,
    (column) => (state.x = column),
  ),
  chooser(
    "up",
    () => state.y,
    (column) => (state.y = column),
  ),
);
const learning = panel(
  "Learning curves",
  "The loss of training iterations, a line for each run; what lies beyond the panel runs along its edge.",
);
root.append(parallel.figure, html("div", { className: "panels" }, scatter.figure, learning.figure));

const tooltip = html("div", { className: "tooltip", hidden: true });
document.body.append(tooltip);

/** The width that a plot has. */
const room = ({ plot }: Panel) => Math.max(280, plot.clientWidth);

function path(points: readonly (readonly [number, number] | undefined)[]): string {
  let text = "";
  let pen = "M";
  for (const place of points) {
    if (place === undefined) pen = "M";
    else {
      text += `${pen}${place[0].toFixed(1)},${place[1].toFixed(1)}`;
      pen = "L";
    }
  }
  return text;
}

/** Selects a part of an axis by dragging along it. */
function brushable(handle: SVGRectElement, column: Column, share: (event: PointerEvent) => number): void {
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const begin = share(event);
    handle.setPointerCapture(event.pointerId);
    const move = (moved: PointerEvent) => {
      const [low, high] = [begin, share(moved)].toSorted((a, b) => a - b) as [number, number];
      // Less is a click.
      if (high - low < 0.015) state.brushes.delete(column);
      else state.brushes.set(column, [low - 1e-9, high + 1e-9]);
      select();
    };
    const end = (ended: PointerEvent) => {
      move(ended);
      handle.removeEventListener("pointermove", move);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", end, { once: true });
  });
}

/** About how wide a character of a label is (px). */
const characterWidth = 6.5;

/** A label, cut where it has more characters than there is room for. */
const cut = (label: string, most: number): string =>
  label.length > most ? `${label.slice(0, Math.max(1, most - 1))}…` : label;

/** How wide the labels of an axis are at the most (px). */
const labelWidth = ({ ticks }: Scale, most: number): number =>
  characterWidth * Math.max(0, ...ticks.map(({ label }) => Math.min(label.length, most)));

function drawParallel(): void {
  const { axes } = state;
  const [top, bottom, mostCharacters] = [34, 16, 20];
  const side = Math.max(58, (axes[0] ? labelWidth(scale(axes[0]), mostCharacters) : 0) + 12);
  const width = Math.max(room(parallel), axes.length * 92);
  const height = 300;
  const image = svg("svg", { width, height, role: "img" });
  image.setAttribute("aria-label", `Runs over ${axes.map(({ name }) => name).join(", ")}`);
  const x = (at: number) => side + (width - side - 40) * (axes.length < 2 ? 0.5 : at / (axes.length - 1));
  const y = (share: number) => height - bottom - share * (height - top - bottom);
  for (let run = 0; run < count; run++) {
    const points = axes.map((column, at) => {
      const share = scale(column).place(column.values[run]);
      return share === undefined ? undefined : ([x(at), y(share)] as const);
    });
    image.append(marked(svg("path", { d: path(points), stroke: colorOf(run) }), run));
  }
  for (const [at, column] of axes.entries()) {
    const left = x(at);
    image.append(svg("line", { class: "axis", x1: left, x2: left, y1: y(0), y2: y(1) }));
    const anchor = at === 0 ? "start" : at === axes.length - 1 ? "end" : "middle";
    const title = `${column.name}${scale(column).log ? " (log)" : ""}`;
    const from = at === 0 ? left - 50 : at === axes.length - 1 ? left + 38 : left;
    image.append(svg("text", { class: "title", x: from, y: 16, "text-anchor": anchor }, title));
    for (const { at: share, label } of scale(column).ticks) {
      image.append(svg("line", { class: "axis", x1: left - 4, x2: left, y1: y(share), y2: y(share) }));
      const mark = svg(
        "text",
        { x: left - 7, y: y(share) + 4, "text-anchor": "end" },
        cut(label, mostCharacters),
      );
      mark.style.paintOrder = "stroke";
      mark.style.stroke = "var(--panel)";
      mark.style.strokeWidth = "3px";
      image.append(mark);
    }
    const brush = svg("rect", { class: "brush", x: left - 8, width: 16, y: 0, height: 0 });
    brush.dataset.column = String(columns.indexOf(column));
    const handle = svg("rect", { class: "handle", x: left - 20, width: 40, y: y(1), height: y(0) - y(1) });
    brushable(handle, column, (event) => {
      const box = image.getBoundingClientRect();
      return Math.max(
        0,
        Math.min(1, (height - bottom - (event.clientY - box.top)) / (height - top - bottom)),
      );
    });
    image.append(brush, handle);
  }
  parallel.plot.replaceChildren(image);
}

/** Axes around a plot, and where shares of them lie. */
function framed(of: Panel, across: Scale, up: Scale, titles: readonly [string, string]) {
  const [width, height] = [room(of), 300];
  const [right, top, bottom, mostCharacters] = [12, 22, 40, 22];
  const left = Math.max(58, Math.min(width / 3, labelWidth(up, mostCharacters) + 12));
  const image = svg("svg", { width, height, role: "img" });
  image.setAttribute("aria-label", `${titles[1]} over ${titles[0]}`);
  const x = (share: number) => left + 6 + share * (width - left - right - 12);
  const y = (share: number) => height - bottom - 6 - share * (height - top - bottom - 12);
  const labelled = across.ticks.filter(
    (_, at) => at % Math.ceil((across.ticks.length * 60) / (width - left)) === 0,
  );
  for (const { at, label } of up.ticks) {
    image.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(at), y2: y(at) }));
    const text = cut(label, Math.floor((left - 6) / characterWidth));
    image.append(svg("text", { x: left - 6, y: y(at) + 4, "text-anchor": "end" }, text));
  }
  for (const { at, label } of labelled) {
    image.append(
      svg("line", { class: "axis", x1: x(at), x2: x(at), y1: height - bottom, y2: height - bottom + 4 }),
    );
    const slot = (width - left - right) / labelled.length;
    const text = cut(label, Math.min(mostCharacters, Math.floor(slot / characterWidth) - 1));
    const anchor = x(at) + (text.length * characterWidth) / 2 > width ? "end" : "middle";
    const from = anchor === "end" ? width : x(at);
    image.append(svg("text", { x: from, y: height - bottom + 17, "text-anchor": anchor }, text));
  }
  image.append(
    svg("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }),
  );
  image.append(
    svg("text", { class: "title", x: width - right, y: height - 6, "text-anchor": "end" }, titles[0]),
  );
  image.append(svg("text", { class: "title", x: 4, y: 13 }, titles[1]));
  return { image, x, y };
}

const titleOf = (column: Column) => `${column.name}${scale(column).log ? " (log)" : ""}`;

function drawScatter(): void {
  const [across, up] = [scale(state.x), scale(state.y)];
  const { image, x, y } = framed(scatter, across, up, [titleOf(state.x), titleOf(state.y)]);
  for (let run = 0; run < count; run++) {
    const [at, height] = [across.place(state.x.values[run]), up.place(state.y.values[run])];
    const isDiverged = status[run] === "diverged";
    if (at === undefined || (height === undefined && !isDiverged)) continue;
    const [px, py] = [x(at), y(height ?? 1)];
    const d = `M${px - 4},${py - 4}l8,8m0,-8l-8,8`;
    image.append(
      isDiverged
        ? marked(svg("path", { d, class: "cross", stroke: colorOf(run) }), run)
        : marked(svg("circle", { cx: px, cy: py, r: 4, style: `fill: ${colorOf(run)}` }), run),
    );
  }
  scatter.plot.replaceChildren(image);
}

function drawCurves(): void {
  const losses = curves.flatMap((curve, run) => (status[run] === "diverged" ? [] : curve.losses));
  const numbers = losses.filter((loss) => loss !== null);
  const longest = Math.max(2, ...curves.map(({ iterations }) => iterations.at(-1) ?? 0));
  const up = numeric(numbers.length > 0 ? numbers : [0, 1], false);
  const across = numeric([1, longest], true);
  const { image, x, y } = framed(learning, across, up, [
    "training iteration",
    up.log ? "loss (log)" : "loss",
  ]);
  for (const [run, { iterations, losses: of }] of curves.entries()) {
    const points = iterations.map((iteration, at) => {
      const share = up.place(of[at]);
      return share === undefined ? undefined : ([x(across.place(iteration) ?? 0), y(share)] as const);
    });
    image.append(marked(svg("path", { d: path(points), stroke: colorOf(run) }), run));
  }
  learning.plot.replaceChildren(image);
}

/** Rows of the table of runs. */
const mostRows = 300;

function drawTable(): void {
  const host = byId("runs");
  const { column: by, down } = state.sort;
  const rank = (run: number) => {
    if (by.kind === "result" && status[run] === "diverged") return Number.POSITIVE_INFINITY;
    return by.values[run] ?? Number.POSITIVE_INFINITY;
  };
  const order = Array.from({ length: count }, (_, run) => run)
    .filter(isSelected)
    .toSorted((a, b) => {
      const [left, right] = [rank(a), rank(b)];
      if (left === right) return a - b;
      const ascending =
        typeof left === "number" && typeof right === "number"
          ? left - right
          : String(left) < String(right)
            ? -1
            : 1;
      return down ? -ascending : ascending;
    });
  const head = html("tr");
  for (const column of columns) {
    const mark = column === by ? (down ? " ▾" : " ▴") : "";
    const button = html("button", { type: "button", textContent: `${column.name}${mark}` });
    button.addEventListener("click", () => {
      state.sort = { column, down: column === by ? !down : false };
      drawTable();
    });
    const cell = html("th", {}, button);
    if (column === by) cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    head.append(cell);
  }
  head.append(html("th", { textContent: "status" }), html("th", { textContent: "repeat it with" }));
  const body = html("tbody");
  for (const run of order.slice(0, mostRows)) {
    const row = html("tr");
    row.dataset.run = String(run);
    row.append(...columns.map(({ values }) => html("td", { textContent: short(values[run] ?? null) })));
    row.append(html("td", { textContent: failures[run] ?? status[run] ?? "" }));
    row.append(html("td", {}, html("code", { textContent: `eprop train --from ${files[run]}` })));
    body.append(row);
  }
  const rest =
    order.length > mostRows
      ? [html("p", { className: "muted", textContent: `The first ${mostRows} of ${order.length}.` })]
      : [];
  const scroll = html(
    "div",
    { className: "scroll", tabIndex: 0 },
    html("table", {}, html("thead", {}, head), body),
  );
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", "Runs");
  host.replaceChildren(html("h2", { textContent: "Runs" }), scroll, ...rest);
}

/** Shows which runs are selected. */
function select(): void {
  const selected = Array.from({ length: count }, (_, run) => isSelected(run));
  for (const mark of root.querySelectorAll<SVGElement>(".run")) {
    mark.classList.toggle("out", !selected[Number(mark.dataset.run)]);
  }
  for (const brush of root.querySelectorAll<SVGRectElement>(".brush")) {
    const [low, high] = state.brushes.get(columns[Number(brush.dataset.column)] as Column) ?? [0, 0];
    const handle = brush.nextElementSibling as SVGRectElement;
    const [top, length] = [Number(handle.getAttribute("y")), Number(handle.getAttribute("height"))];
    brush.setAttribute("y", String(top + (1 - high) * length));
    brush.setAttribute("height", String(Math.max(0, (high - low) * length)));
    brush.toggleAttribute("hidden", high === low);
  }
  const chosen = selected.filter(Boolean).length;
  told.textContent =
    chosen === count
      ? `all ${count} run${count === 1 ? "" : "s"}`
      : `${chosen} of ${count} run${count === 1 ? "" : "s"}`;
  clear.hidden = state.brushes.size === 0;
  drawTable();
}

function draw(): void {
  drawParallel();
  drawScatter();
  drawCurves();
  select();
}

/** Shows a run in all plots, and what is known of it. */
function point(run: number | undefined, event?: PointerEvent): void {
  if (run !== state.near) {
    for (const mark of document.querySelectorAll(".near")) mark.classList.remove("near");
    state.near = run;
    if (run !== undefined) {
      for (const mark of document.querySelectorAll(`[data-run="${run}"]`)) mark.classList.add("near");
    }
  }
  tooltip.hidden = run === undefined || event === undefined;
  if (run === undefined || event === undefined) return;
  const table = html("table");
  for (const { name, values } of columns) {
    const value = values[run];
    if (value === null || value === undefined) continue;
    table.append(
      html("tr", {}, html("th", { textContent: name }), html("td", { textContent: short(value) })),
    );
  }
  table.append(
    html("tr", {}, html("th", { textContent: "status" }), html("td", { textContent: status[run] ?? "" })),
  );
  tooltip.replaceChildren(table);
  const { offsetWidth, offsetHeight } = tooltip;
  tooltip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - offsetWidth - 4))}px`;
  tooltip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - offsetHeight - 4))}px`;
}

/** Marks farther from the pointer than this say nothing (pixels). */
const reach = 12;

/** The run whose mark is nearest to the pointer. */
function runAt(event: PointerEvent): number | undefined {
  const offsets = [0, 3, -3, 6, -6, 9, -9, reach, -reach];
  for (const dy of offsets) {
    for (const element of document.elementsFromPoint(event.clientX, event.clientY + dy)) {
      const { run } = (element as HTMLElement).dataset;
      if (run !== undefined && isSelected(Number(run))) return Number(run);
    }
  }
  return undefined;
}

for (const host of [root, byId("runs")]) {
  host.addEventListener("pointermove", (event) => {
    const row = (event.target as Element).closest<HTMLElement>("tr[data-run]");
    if (row !== null) point(Number(row.dataset.run));
    else if ((event.target as Element).closest("svg") !== null) point(runAt(event), event);
    else point(undefined);
  });
  host.addEventListener("pointerleave", () => point(undefined));
}

followScheme(document.getElementById("scheme"), () => {});

let width = 0;
new ResizeObserver(() => {
  if (root.clientWidth === width) return;
  width = root.clientWidth;
  draw();
}).observe(root);
