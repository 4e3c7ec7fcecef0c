/** So many of a thing, in words: `1 seed`, `2 seeds`. */
export function many(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
