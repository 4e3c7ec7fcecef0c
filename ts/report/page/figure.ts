import { addElement, smallButton } from "../../page/dom.js";
import { type Scheme, scheme } from "../../page/scheme.js";
import { nearest } from "./pointing.js";
import { type Stretch, plotSpan, stretched } from "./sizes.js";
import { type Json, type Panel, type View, panelsOf } from "./vega.js";

/** The range that a figure shows, by its parameters; undefined where it has none. */
type Range = Record<string, number>;

const rangeNames: ReadonlySet<string> = new Set(["from", "to", "low", "high"]);

const tooltip = addElement(document.body, "div");
tooltip.className = "tooltip";
tooltip.hidden = true;

/** Vega's configuration for each look. */
export type Themes = Readonly<Record<Scheme, Json>>;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The part between two places that lies in a stretch, from the stretch's begin. */
function within(a: number, b: number, from: number, length: number): [number, number] {
  const [low, high] = a < b ? [a, b] : [b, a];
  return [Math.max(low - from, 0), Math.min(high - from, length)];
}

/** A figure of the report. */
export class ReportFigure {
  readonly element: HTMLElement;
  readonly plot: HTMLElement;
  /** The size of the figure's picture, and how much of it plots have (pixels). */
  readonly picture: Size;
  readonly plots: Size;
  readonly #specification: Json;
  readonly #themes: Themes;
  readonly #point = document.createElement("div");
  readonly #selection = document.createElement("div");
  readonly #reset: HTMLButtonElement;
  #view: View | undefined;
  #panels: Panel[] = [];
  #whole: Range = {};
  #shown: Range = {};
  #drag: { panel: Panel; x: number; y: number } | undefined;
  #isLarge = false;
  /** How often it was drawn; of drawings at once, the last one counts. */
  #drawings = 0;
  #stretch: Stretch = { x: 1, y: 1 };

  /** @param onSize Called when it is to have another size. */
  constructor(element: HTMLElement, specification: Json, themes: Themes, onSize: () => void) {
    this.element = element;
    this.#specification = specification;
    this.#themes = themes;
    this.plot = element.querySelector(".plot") as HTMLElement;
    const image = this.plot.querySelector("img") as HTMLImageElement;
    const lengthOf = (name: string) => Number(image.getAttribute(name));
    this.picture = { width: lengthOf("width"), height: lengthOf("height") };
    this.plots = { width: plotSpan(specification, "width"), height: plotSpan(specification, "height") };
    this.#point.className = "point";
    this.#selection.className = "selection";
    const bar = element.querySelector(".bar") as HTMLElement;
    this.#reset = smallButton(bar, "whole range", () => void this.zoom(this.#whole));
    this.#reset.hidden = true;
    const size = smallButton(bar, "larger", () => {
      this.#isLarge = !this.#isLarge;
      size.textContent = this.#isLarge ? "smaller" : "larger";
      element.classList.toggle("large", this.#isLarge);
      onSize();
    });
    smallButton(bar, "SVG", () => void this.#save());
    this.plot.addEventListener("pointermove", (event) => this.#move(event));
    this.plot.addEventListener("pointerleave", () => this.#leave());
    this.plot.addEventListener("pointerdown", (event) => this.#down(event));
    this.plot.addEventListener("pointerup", (event) => this.#up(event));
    this.plot.addEventListener("pointercancel", () => this.#leave());
    this.plot.addEventListener("dblclick", () => void this.zoom(this.#whole));
    this.plot.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** Whether it was drawn, or is about to be. */
  get isDrawn(): boolean {
    return this.#drawings > 0;
  }

  /** Whether it is to be as wide as the page. */
  get isLarge(): boolean {
    return this.#isLarge;
  }

  /** Width that there is for it (pixels). */
  get room(): number {
    const style = getComputedStyle(this.element);
    return this.element.clientWidth - Number.parseFloat(style.paddingLeft) * 2;
  }

  /** Height of its card without the plot (pixels). */
  get around(): number {
    const heights = [".bar", "figcaption"].map(
      (part) => this.element.querySelector<HTMLElement>(part)?.offsetHeight ?? 0,
    );
    return heights.reduce((sum, height) => sum + height, 0);
  }

  /** Makes its plots so much larger than in its picture, once it is drawn; whether that is a change. */
  stretch(x: number, y: number): boolean {
    const isOther = Math.abs(x - this.#stretch.x) > 0.01 || Math.abs(y - this.#stretch.y) > 0.01;
    if (isOther) this.#stretch = { x, y };
    return isOther;
  }

  /** Its parameters: the ranges that it shows as a whole, fitted to its size where both axes have the same unit. */
  #ranges(): Range {
    const params = (this.#specification.params ?? []) as { name: string; value: number }[];
    const ranges: Range = Object.fromEntries(
      params.filter(({ name }) => rangeNames.has(name)).map(({ name, value }) => [name, value]),
    );
    const { from = 0, to = 1, low, high } = ranges;
    if (low === undefined || high === undefined) return ranges;
    const { x, y } = this.#stretch;
    const unit = Math.min(x, y);
    const fitted = (a: number, b: number, factor: number): [number, number] => {
      const [middle, half] = [(a + b) / 2, (((b - a) / 2) * factor) / unit];
      return [middle - half, middle + half];
    };
    const [left, right] = fitted(from, to, x);
    const [bottom, top] = fitted(low, high, y);
    return { from: left, to: right, low: bottom, high: top };
  }

  /** Draws the figure in the current colours and size, at the range that it shows. */
  async draw(): Promise<void> {
    const drawing = ++this.#drawings;
    const look = scheme();
    const ranges = this.#ranges();
    const isWhole = Object.entries(this.#shown).every(([name, value]) => value === this.#whole[name]);
    this.#whole = ranges;
    if (isWhole) this.#shown = ranges;
    const { spec } = vegaLite.compile({
      ...(stretched(this.#specification, this.#stretch) as Json),
      // The card's shines through.
      config: { ...this.#themes[look], background: "transparent" },
    });
    const host = document.createElement("div");
    host.className = "drawn";
    host.setAttribute("role", "img");
    host.setAttribute("aria-label", this.plot.querySelector("img")?.alt ?? "");
    const view = new vega.View(vega.parse(spec), { renderer: "canvas", hover: false, tooltip: () => {} });
    view.initialize(host);
    for (const [name, value] of Object.entries(this.#shown)) view.signal(name, value);
    await view.runAsync();
    if (drawing !== this.#drawings) {
      view.finalize();
      return;
    }
    this.#view?.finalize();
    this.#view = view;
    this.#panels = panelsOf(view);
    this.plot.querySelector(".drawn")?.remove();
    this.plot.append(host, this.#point, this.#selection);
    this.#leave();
    this.element.dataset.drawn = look;
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
    tooltip.replaceChildren();
    const table = addElement(tooltip, "table");
    for (const [name, value] of hit.rows) {
      const row = table.insertRow();
      addElement(row, "th", name);
      addElement(row, "td", value);
    }
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
    const { background } = this.#themes[scheme()];
    const svg = await this.#view.background(background as string).toSVG();
    this.#view.background("transparent");
    const blob = new Blob([svg], { type: "image/svg+xml" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${this.element.id}.svg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}
