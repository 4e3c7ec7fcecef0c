/** Text as HTML shows it. */
export function escaped(text: string | number): string {
  return String(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** A table with a name and a value in each row; rows without a value are left out. */
export function nameTable(rows: readonly (readonly [string, string | number | undefined])[]): string {
  const lines = rows
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `<tr><th scope="row">${escaped(name)}</th><td>${escaped(value ?? "")}</td></tr>`);
  return `<table>${lines.join("\n")}</table>`;
}

/** A card with a heading. */
export function card(name: string, content: string, kind = "card"): string {
  return `<section class="${kind}"><h2>${escaped(name)}</h2>${content}</section>`;
}

/** A table that scrolls in itself where it is wider than the page, also by keys. */
export function scrolling(name: string, table: string): string {
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escaped(name)}">${table}</div>`;
}

/** A card as wide as the page with names and values in several columns. */
export function spreadCard(
  name: string,
  rows: readonly (readonly [string, string | number | undefined])[],
): string {
  return card(name, `<div class="spread">${nameTable(rows)}</div>`, "card whole");
}

/** A parameter's value as tables show it: whole numbers to the last digit, others to six. */
export function valueText(value: string | number): string {
  return typeof value === "string" || Number.isInteger(value) ? String(value) : digits(value, 6);
}

const cells = (kind: string, values: readonly (string | number)[]) =>
  values.map((value) => `<${kind}>${escaped(value)}</${kind}>`).join("");

/** A table with a head. */
export function headedTable(
  head: readonly string[],
  rows: readonly { cells: readonly (string | number)[]; kind?: string }[],
): string {
  const lines = rows.map(
    ({ cells: values, kind }) =>
      `<tr${kind === undefined ? "" : ` class="${kind}"`}>${cells("td", values)}</tr>`,
  );
  return `<table><thead><tr>${cells("th", head)}</tr></thead><tbody>${lines.join("\n")}</tbody></table>`;
}

/** A number as tables show it. */
export function digits(value: number | undefined, precision = 5): string {
  if (value === undefined) return "";
  if (Number.isFinite(value) && Math.abs(value) >= 1e7) {
    return value.toExponential(precision - 1).replace(/\.?0+e/, "e");
  }
  return Number.isFinite(value) ? String(Number(value.toPrecision(precision))) : String(value);
}

/** A size in bytes as people read it. */
export function bytes(value: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  return `${digits(value / 2 ** (10 * unit), 3)} ${units[unit]}`;
}

/** A time in ms as people read it. */
export function duration(ms: number): string {
  if (ms < 1000) return `${digits(ms, 3)} ms`;
  if (ms < 120_000) return `${digits(ms / 1000, 3)} s`;
  if (ms < 7_200_000) return `${digits(ms / 60_000, 3)} min`;
  return `${digits(ms / 3_600_000, 3)} h`;
}
