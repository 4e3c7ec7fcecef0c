/**
 * Makes the pictures of a report figures that one can zoom into and point at. Runs in the browser as an inline script;
 * without it, the pictures stay.
 */

type Json = Record<string, unknown>;

/** What Vega draws: groups hold marks, marks hold items. */
interface Item {
  /** Undefined of groups that only hold. */
  x: number;
  y: number;
  width?: number;
  height?: number;
  tooltip?: Record<string, string>;
  datum?: Json;
  items?: Mark[];
}
interface Mark {
  marktype: string;
  role?: string;
  items: Item[];
}
interface View {
  initialize(element: Element): View;
  runAsync(): Promise<View>;
  signal(name: string): unknown;
  signal(name: string, value: unknown): View;
  scenegraph(): { root: Mark };
  origin(): [number, number];
  padding(): { left: number; top: number };
  toSVG(): Promise<string>;
  finalize(): void;
}
declare const vega: {
  View: new (runtime: unknown, options: Json) => View;
  parse(specification: unknown): unknown;
};
declare const vegaLite: { compile(specification: unknown): { spec: unknown } };

interface Payload {
  themes: Record<"light" | "dark", Json>;
  figures: { name: string; specification: Json }[];
}

/** A plot under the pointer: where it is in the view, and its marks. */
interface Panel {
  x: number;
  y: number;
  width: number;
  height: number;
  marks: Mark[];
}

/** What is nearest to the pointer: its place in the view, and what there is to say. */
interface Hit {
  x: number;
  y: number;
  rows: [string, string][];
}

/** The range that a figure shows, by its parameters; undefined where it has none. */
type Range = Record<string, number>;

const rangeNames = ["from", "to", "low", "high"] as const;

/** Marks farther from the pointer than this say nothing (pixels). */
const reach = 40;

const payload = JSON.parse(document.getElementById("payload")?.textContent ?? "{}") as Payload;
const tooltip = document.createElement("div");
tooltip.className = "tooltip";
tooltip.hidden = true;
document.body.append(tooltip);

const dark = matchMedia("(prefers-color-scheme: dark)");
let scheme: "light" | "dark" = dark.matches ? "dark" : "light";

/** A specification with all plots larger. */
function enlarged(part: unknown, factor: number): unknown {
  if (Array.isArray(part)) return part.map((value) => enlarged(value, factor));
  if (typeof part !== "object" || part === null) return part;
  return Object.fromEntries(
    Object.entries(part).map(([name, value]) => {
      if (name === "data" || name === "datasets") return [name, value];
      if (name === "gradientLength") return [name, value];
      if ((name === "width" || name === "height") && typeof value === "number") return [name, value * factor];
      return [name, enlarged(value, factor)];
    }),
  );
}

const guides = /^(axis|legend|title)/;

/** All plots of a view. */
function panelsOf(view: View): Panel[] {
  const panels: Panel[] = [];
  const visit = (mark: Mark, x: number, y: number, panel: Panel | undefined): void => {
    if (guides.test(mark.role ?? "")) return;
    if (mark.marktype !== "group") {
      panel?.marks.push(mark);
      return;
    }
    for (const group of mark.items) {
      const [left, top] = [x + (group.x || 0), y + (group.y || 0)];
      const { width = 0, height = 0 } = group;
      // Lines in several colours are in groups of their own, which have no place.
      const inside = panel !== undefined && group.x === undefined;
      const own = inside ? panel : { x: left, y: top, width, height, marks: [] };
      if (!inside) panels.push(own);
      for (const child of group.items ?? []) visit(child, left, top, own);
    }
  };
  const [x, y] = view.origin();
  const { left, top } = view.padding();
  visit(view.scenegraph().root, x + left, y + top, undefined);
  return panels.filter(({ marks }) => marks.length > 0);
}

interface Matrix {
  rows: number;
  columns: number;
  rowStep: number;
  columnStep: number;
  unit: number;
  weights: number[];
  labels: [string, string];
  begin: [number, number];
}

/** The weight of a matrix under the pointer. */
function weightAt(matrix: Matrix, panel: Panel, px: number, py: number): Hit | undefined {
  const column = Math.floor((px / panel.width) * matrix.columns);
  const row = matrix.rows - 1 - Math.floor((py / panel.height) * matrix.rows);
  const weight = matrix.weights[row * matrix.columns + column];
  if (weight === undefined || column < 0 || column >= matrix.columns) return undefined;
  return {
    x: panel.x + ((column + 0.5) / matrix.columns) * panel.width,
    y: panel.y + (1 - (row + 0.5) / matrix.rows) * panel.height,
    rows: [
      [matrix.labels[0], String(row * matrix.rowStep + matrix.begin[0])],
      [matrix.labels[1], String(column * matrix.columnStep + matrix.begin[1])],
      ["weight (pA)", (weight * matrix.unit).toPrecision(3)],
    ],
  };
}

/** How far a place is from a range. */
const outside = (place: number, from: number, to: number) => Math.max(from - place, 0, place - to);

/** What is nearest to a place of a panel. In a plot over time, time counts most. */
function nearest(panel: Panel, px: number, py: number, plane: boolean): Hit | undefined {
  let best: Hit | undefined;
  let least = reach;
  for (const mark of panel.marks) {
    for (const item of mark.items) {
      const matrix = item.datum as unknown as Matrix | undefined;
      if (mark.marktype === "image" && matrix?.weights !== undefined) return weightAt(matrix, panel, px, py);
      if (item.tooltip === undefined || typeof item.tooltip !== "object") continue;
      const { x, y, width = 0, height = 0 } = item;
      const [dx, dy] = [outside(px, x, x + width), outside(py, y, y + height)];
      const line = mark.marktype === "line";
      const distance = line && !plane ? Math.hypot(dx, dy / 8) : Math.hypot(dx, dy);
      if (!(distance < least)) continue;
      least = distance;
      best = {
        x: panel.x + x + width / 2,
        y: panel.y + y + height / 2,
        rows: Object.entries(item.tooltip),
      };
    }
  }
  return best;
}

/** The part between two places that lies in a stretch, from the stretch's begin. */
function within(a: number, b: number, from: number, length: number): [number, number] {
  const [low, high] = a < b ? [a, b] : [b, a];
  return [Math.max(low - from, 0), Math.min(high - from, length)];
}

/** A figure of the report. */
class LiveFigure {
  readonly element: HTMLElement;
  readonly plot: HTMLElement;
  readonly #specification: Json;
  readonly #point = document.createElement("div");
  readonly #selection = document.createElement("div");
  readonly #reset: HTMLButtonElement;
  #view: View | undefined;
  #panels: Panel[] = [];
  #whole: Range = {};
  #shown: Range = {};
  #drag: { panel: Panel; x: number; y: number } | undefined;
  #large = false;

  constructor(element: HTMLElement, specification: Json) {
    this.element = element;
    this.#specification = specification;
    this.plot = element.querySelector(".plot") as HTMLElement;
    this.#point.className = "point";
    this.#selection.className = "selection";
    const bar = element.querySelector(".bar") as HTMLElement;
    const button = (label: string, act: () => void) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = label;
      made.addEventListener("click", act);
      bar.append(made);
      return made;
    };
    this.#reset = button("whole range", () => void this.zoom(this.#whole));
    this.#reset.hidden = true;
    const size = button("larger", () => {
      this.#large = !this.#large;
      size.textContent = this.#large ? "smaller" : "larger";
      element.classList.toggle("large", this.#large);
      void this.draw();
    });
    button("SVG", () => void this.#save());
    this.plot.addEventListener("pointermove", (event) => this.#move(event));
    this.plot.addEventListener("pointerleave", () => this.#leave());
    this.plot.addEventListener("pointerdown", (event) => this.#down(event));
    this.plot.addEventListener("pointerup", (event) => this.#up(event));
    this.plot.addEventListener("pointercancel", () => this.#leave());
    this.plot.addEventListener("dblclick", () => void this.zoom(this.#whole));
    this.plot.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  get drawn(): boolean {
    return this.#view !== undefined;
  }

  /** Draws the figure in the current colours and size, at the range that it shows. */
  async draw(): Promise<void> {
    const style = getComputedStyle(this.element);
    const room = this.element.clientWidth - Number.parseFloat(style.paddingLeft) * 2;
    const factor = this.#large ? Math.max(1, Math.min(2.2, room / 430)) : 1;
    const { spec } = vegaLite.compile({
      ...(enlarged(this.#specification, factor) as Json),
      config: payload.themes[scheme],
    });
    const host = document.createElement("div");
    const view = new vega.View(vega.parse(spec), { renderer: "canvas", hover: false, tooltip: () => {} });
    view.initialize(host);
    const params = new Set(
      ((this.#specification.params ?? []) as { name: string }[]).map(({ name }) => name),
    );
    const names = rangeNames.filter((name) => params.has(name));
    this.#whole = Object.fromEntries(names.map((name) => [name, view.signal(name) as number]));
    if (Object.keys(this.#shown).length === 0) this.#shown = this.#whole;
    for (const name of names) view.signal(name, this.#shown[name]);
    await view.runAsync();
    this.#view?.finalize();
    this.#view = view;
    this.#panels = panelsOf(view);
    this.plot.replaceChildren(host, this.#point, this.#selection);
    this.#leave();
    this.element.dataset.drawn = scheme;
  }

  /** Shows another range. */
  async zoom(range: Range): Promise<void> {
    const view = this.#view;
    if (view === undefined) return;
    this.#shown = range;
    for (const [name, value] of Object.entries(range)) view.signal(name, value);
    await view.runAsync();
    this.#panels = panelsOf(view);
    this.#reset.hidden = Object.entries(range).every(([name, value]) => value === this.#whole[name]);
    this.element.dataset.range = Object.values(range).join(" ");
    this.#leave();
  }

  /** The place of an event in the view. */
  #place(event: MouseEvent): [number, number] {
    const canvas = this.plot.querySelector("canvas");
    const box = (canvas ?? this.plot).getBoundingClientRect();
    const width = canvas === null ? box.width : canvas.width / (window.devicePixelRatio || 1);
    const factor = width / (box.width || 1);
    return [(event.clientX - box.left) * factor, (event.clientY - box.top) * factor];
  }

  /** Puts an element at a place of the view. */
  #put(element: HTMLElement, x: number, y: number, width?: number, height?: number): void {
    const canvas = this.plot.querySelector("canvas");
    const box = canvas?.getBoundingClientRect();
    const factor =
      canvas === null || box === undefined ? 1 : box.width / (canvas.width / (window.devicePixelRatio || 1));
    element.hidden = false;
    element.style.left = `${x * factor}px`;
    element.style.top = `${y * factor}px`;
    if (width !== undefined) element.style.width = `${width * factor}px`;
    if (height !== undefined) element.style.height = `${height * factor}px`;
  }

  #panelAt(x: number, y: number): Panel | undefined {
    return this.#panels.find(
      (panel) => x >= panel.x && x <= panel.x + panel.width && y >= panel.y && y <= panel.y + panel.height,
    );
  }

  #move(event: PointerEvent): void {
    const [x, y] = this.#place(event);
    if (this.#drag !== undefined) {
      this.#select(x, y);
      return;
    }
    const panel = this.#panelAt(x, y);
    const hit = panel && nearest(panel, x - panel.x, y - panel.y, "low" in this.#whole);
    if (hit === undefined) {
      this.#leave();
      return;
    }
    this.#put(this.#point, hit.x, hit.y);
    const table = document.createElement("table");
    for (const [name, value] of hit.rows) {
      const row = table.insertRow();
      row.append(Object.assign(document.createElement("th"), { textContent: name }));
      row.append(Object.assign(document.createElement("td"), { textContent: value }));
    }
    tooltip.replaceChildren(table);
    tooltip.hidden = false;
    const { offsetWidth, offsetHeight } = tooltip;
    tooltip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - offsetWidth - 4))}px`;
    tooltip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - offsetHeight - 4))}px`;
  }

  #leave(): void {
    tooltip.hidden = true;
    this.#point.hidden = true;
    this.#selection.hidden = true;
    this.#drag = undefined;
  }

  #down(event: PointerEvent): void {
    const [x, y] = this.#place(event);
    const panel = this.#panelAt(x, y);
    if (event.button !== 0 || panel === undefined || !("from" in this.#whole)) return;
    this.#leave();
    this.plot.setPointerCapture(event.pointerId);
    this.#drag = { panel, x, y };
  }

  /** The part of a panel between where a drag began and a place. */
  #dragged(x: number, y: number): { panel: Panel; x: [number, number]; y: [number, number] } | undefined {
    if (this.#drag === undefined) return undefined;
    const { panel } = this.#drag;
    return {
      panel,
      x: within(this.#drag.x, x, panel.x, panel.width),
      y: "low" in this.#whole ? within(this.#drag.y, y, panel.y, panel.height) : [0, panel.height],
    };
  }

  #select(x: number, y: number): void {
    const part = this.#dragged(x, y);
    if (part === undefined) return;
    const { panel } = part;
    const [width, height] = [part.x[1] - part.x[0], part.y[1] - part.y[0]];
    this.#put(this.#selection, panel.x + part.x[0], panel.y + part.y[0], width, height);
  }

  #up(event: PointerEvent): void {
    const part = this.#dragged(...this.#place(event));
    this.#leave();
    // Less is a click.
    if (part === undefined || part.x[1] - part.x[0] < 5) return;
    const { from = 0, to = 1, low = 0, high = 1 } = this.#shown;
    const along = (share: number) => from + share * (to - from);
    const up = (share: number) => high - share * (high - low);
    void this.zoom({
      from: along(part.x[0] / part.panel.width),
      to: along(part.x[1] / part.panel.width),
      ...("low" in this.#whole && {
        low: up(part.y[1] / part.panel.height),
        high: up(part.y[0] / part.panel.height),
      }),
    });
  }

  /** Zooms with the Control key held, as browsers do; a wheel alone scrolls the page. */
  #wheel(event: WheelEvent): void {
    const [x, y] = this.#place(event);
    const panel = this.#panelAt(x, y);
    if (!event.ctrlKey || panel === undefined || !("from" in this.#whole)) return;
    event.preventDefault();
    const factor = Math.exp(Math.max(-50, Math.min(50, event.deltaY)) / 150);
    const about = (low: number, high: number, share: number, whole: [number, number]) => {
      const fixed = low + share * (high - low);
      // An axis may run from its largest number to its smallest.
      const [least, most] = [Math.min(...whole), Math.max(...whole)];
      const inside = (place: number) => Math.max(least, Math.min(most, place));
      return [inside(fixed - (fixed - low) * factor), inside(fixed + (high - fixed) * factor)] as const;
    };
    const whole = this.#whole as { from: number; to: number; low: number; high: number };
    const now = this.#shown as typeof whole;
    const [from, to] = about(now.from, now.to, (x - panel.x) / panel.width, [whole.from, whole.to]);
    if (!("low" in whole)) {
      void this.zoom({ from, to });
      return;
    }
    const [low, high] = about(now.low, now.high, 1 - (y - panel.y) / panel.height, [whole.low, whole.high]);
    void this.zoom({ from, to, low, high });
  }

  async #save(): Promise<void> {
    if (this.#view === undefined) return;
    const blob = new Blob([await this.#view.toSVG()], { type: "image/svg+xml" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${this.element.id}.svg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}

const figures = payload.figures.flatMap(({ name, specification }) => {
  const element = document.getElementById(name);
  return element === null ? [] : [new LiveFigure(element, specification)];
});

// A figure is drawn when it is about to be seen, so that a long report opens at once.
const sight = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      const figure = figures.find(({ element }) => element === target);
      if (isIntersecting && figure !== undefined && !figure.drawn) void figure.draw();
    }
  },
  { rootMargin: "300px" },
);
for (const { element } of figures) sight.observe(element);

function look(wanted: "light" | "dark"): void {
  scheme = wanted;
  document.documentElement.dataset.scheme = wanted;
  for (const figure of figures) if (figure.drawn) void figure.draw();
}
look(scheme);
dark.addEventListener("change", ({ matches }) => look(matches ? "dark" : "light"));
const toggle = document.getElementById("scheme");
if (toggle !== null) {
  toggle.hidden = false;
  toggle.addEventListener("click", () => look(scheme === "light" ? "dark" : "light"));
}
