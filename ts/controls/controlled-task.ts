/**
 * A task with the option `control`, for the processes of a sweep: the task's name or module is in the address that
 * this module is loaded by.
 */
import { nestError } from "../core/errors.js";
import { loadTask } from "../tasks/load.js";
import type { TaskEntry } from "../tasks/index.js";
import { type ControlName, controlNames, controlled } from "./control.js";

const { entry } = await loadTask(new URL(import.meta.url).searchParams.get("task") ?? "");

const made: TaskEntry = {
  ...entry,
  name: `${entry.name}-controls`,
  options: [...(entry.options ?? []), "control"],
  create({ control, ...options }) {
    const name = control as ControlName;
    const task = entry.create(options);
    const found = controlNames.includes(name) ? controlled(task, name) : undefined;
    if (found === undefined) {
      throw nestError({
        code: "ValueError",
        message: `the network of ${entry.name} has no such control`,
        parameter: "control",
        value: String(control),
        bound: `one of ${controlNames.join(", ")}, where there is something to take away`,
      });
    }
    return { ...found, options: { ...found.options, control } as Task["options"] };
  },
};
type Task = ReturnType<TaskEntry["create"]>;

export default made;
