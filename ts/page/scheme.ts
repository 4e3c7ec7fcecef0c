/** The look of a page. */
export type Scheme = "light" | "dark";

/** A colour of the pages' style. */
export type ColourName = "ink" | "soft" | "line" | "grid" | "blue" | "orange" | "green" | "purple";

const dark = matchMedia("(prefers-color-scheme: dark)");
let chosen: Scheme | undefined;

/** The look that the page has. */
export function scheme(): Scheme {
  return chosen ?? (dark.matches ? "dark" : "light");
}

/**
 * Follows the system's look, and lets a button change it.
 *
 * @param changed Called whenever the look is another.
 */
export function followScheme(button: HTMLElement | null, changed: () => void): void {
  dark.addEventListener("change", () => {
    if (chosen === undefined) changed();
  });
  if (button === null) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    chosen = scheme() === "light" ? "dark" : "light";
    document.documentElement.dataset.scheme = chosen;
    changed();
  });
}

const probe = document.createElement("i");
probe.hidden = true;

/** A colour as it is in the present look, in a form that a canvas takes. */
export function colour(name: ColourName): string {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}
