/** Numbers next to each other, and what a step of a membrane does, as graphs are read and written with. */

/** The number that many places after `value`. */
function moved(value: number, places: bigint): number {
  const bits = new BigInt64Array(new Float64Array([value]).buffer);
  bits[0] = (bits[0] as bigint) + (value > 0 ? places : -places);
  return new Float64Array(bits.buffer)[0] as number;
}

/** The number before `value`: what is above it is at least `value`. */
export const before = (value: number) => (value === 0 ? -Number.MIN_VALUE : moved(value, -1n));

/** The number after `value`: what is at least this is above `value`. */
export const after = (value: number) => (value === 0 ? Number.MIN_VALUE : moved(value, 1n));

/** `value / divisor`, and of the numbers next to it the one that gives `value` again, if there is one. */
export function quotient(value: number, divisor: number): number {
  const nearest = value / divisor;
  if (nearest * divisor === value || !Number.isFinite(nearest)) return nearest;
  return [before(nearest), after(nearest)].find((other) => other * divisor === value) ?? nearest;
}

/** What a voltage gains in a step of a unit that it is drawn to: `1 - exp(-step / tau)`, also where that is tiny. */
export const stepOf = (step: number, tau: number) => -Math.expm1(-step / tau);

/** The longest time constant with which a voltage still changes in a step, in steps. */
export const longest = 2 ** 53;

/** Whether a voltage forgets more in a step than the last bit of a number. */
export const leaks = (step: number, tau: number) => Math.exp(-step / tau) < 1 - 1 / longest;
