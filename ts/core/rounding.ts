/** A number with so many significant digits; for those that are looked at, of which there are many. */
export function rounded(value: number, digits: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const places = digits - 1 - Math.floor(Math.log10(Math.abs(value)));
  if (Math.abs(places) > 22) return Number(value.toPrecision(digits));
  // Powers of ten up to the 22nd are exact, so that what is divided by them is the nearest number.
  const power = 10 ** Math.abs(places);
  return places < 0 ? Math.round(value / power) * power : Math.round(value * power) / power;
}
