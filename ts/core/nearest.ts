/** Number of edits (a letter more, less or another) between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/**
 * Of some names the one that is nearest to what was given, whatever its case.
 *
 * @param within Names that are more edits away are not meant; half of the longer of both if left out.
 */
export function nearest(given: string, names: readonly string[], within?: number): string | undefined {
  const far = (name: string) => distance(given.toLowerCase(), name.toLowerCase());
  const most = (name: string) => within ?? Math.max(given.length, name.length) / 2;
  return names.filter((name) => far(name) <= most(name)).toSorted((a, b) => far(a) - far(b))[0];
}
