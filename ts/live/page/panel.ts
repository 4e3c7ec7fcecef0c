import { addElement } from "../../page/dom.js";

/** A figure with its title, a line of text that changes, and a place to draw in. */
export class Panel {
  readonly place: HTMLElement;
  readonly caption: HTMLElement;
  readonly note: HTMLElement;
  /** Height of what is drawn (pixels). */
  height: number;

  constructor(parent: HTMLElement, title: string, height: number) {
    this.height = height;
    const figure = addElement(parent, "figure");
    this.caption = addElement(figure, "figcaption");
    addElement(this.caption, "h2", title);
    this.note = addElement(this.caption, "span");
    this.place = addElement(figure, "div");
  }

  get width(): number {
    return Math.max(200, Math.floor(this.place.clientWidth));
  }
}

/** A canvas as sharp as the screen. */
export class Canvas {
  readonly #panel: Panel;
  readonly #canvas: HTMLCanvasElement;

  constructor(panel: Panel, label: string) {
    this.#panel = panel;
    this.#canvas = addElement(panel.place, "canvas");
    this.#canvas.setAttribute("role", "img");
    this.#canvas.setAttribute("aria-label", label);
  }

  /** Clears it and draws; sizes are in pixels of the page. */
  draw(paint: (context: CanvasRenderingContext2D, width: number, height: number) => void): void {
    const { width, height } = this.#panel;
    const scale = devicePixelRatio;
    this.#canvas.width = width * scale;
    this.#canvas.height = height * scale;
    this.#canvas.style.width = `${width}px`;
    this.#canvas.style.height = `${height}px`;
    const context = this.#canvas.getContext("2d");
    if (context === null) return;
    context.scale(scale, scale);
    context.font = "12px system-ui, sans-serif";
    paint(context, width, height);
  }
}
