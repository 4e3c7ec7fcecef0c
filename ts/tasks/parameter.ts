/** Rows of tasks' parameter tables: what can be set and varied. */

/** Where a parameter is used: the values that another one has to have. */
export type ParameterNeeds = Readonly<Record<string, readonly string[]>>;

/** A row of a task's parameter table whose values are numbers. */
export interface NumberParameter {
  default: number;
  unit: string;
  min: number;
  max: number;
  /** Whether it counts something: neurons, iterations, steps of 1 ms. Other than whole numbers are refused. */
  whole?: boolean;
  text: string;
  /** The value where none is given, from those of the rows before it; the default is that of all defaults. */
  follows?: (values: Readonly<Record<string, unknown>>) => number;
  /** Where it is used alone; a value of its own is refused elsewhere. */
  needs?: ParameterNeeds;
}

/** A row of a task's parameter table whose values are some texts. */
export interface ChoiceParameter {
  default: string;
  choices: readonly string[];
  text: string;
}

/** A row of a task's parameter table. */
export type TaskParameter = NumberParameter | ChoiceParameter;

/** The values of a row of a task's parameter table. */
export type TaskParameterValue<R extends TaskParameter> = R extends { choices: readonly (infer C)[] }
  ? C
  : number;

/** The values of a task's parameters. */
export type TaskParameterValues<T extends Readonly<Record<string, TaskParameter>>> = {
  [name in keyof T]: TaskParameterValue<T[name]>;
};

/** The unit of a parameter; empty where it has none. */
export function unitOf(row: TaskParameter): string {
  return "choices" in row ? "" : row.unit;
}

/** What a parameter is, with its unit or its choices. */
export function parameterText(row: TaskParameter): string {
  const more = "choices" in row ? row.choices.join(", ") : row.unit;
  return more === "" ? row.text : `${row.text} (${more})`;
}
