import { dynamicsOf } from "../nest/dynamics.js";

/** Names of a network's recurrent populations, by their models: "regular neurons", "adaptive neurons". */
export function populationNames(recurrent: readonly { readonly model: string }[]): string[] {
  if (recurrent.length === 1) return ["recurrent neurons"];
  const kinds = recurrent.map(({ model }) => (dynamicsOf(model)?.adapts ? "adaptive" : "regular"));
  return kinds.map((kind, at) => {
    const same = kinds.filter((other) => other === kind).length;
    const place = kinds.slice(0, at).filter((other) => other === kind).length + 1;
    return same > 1 ? `${kind} neurons ${place}` : `${kind} neurons`;
  });
}
