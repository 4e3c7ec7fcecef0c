/** Kernel values of NEST that have no meaning here: they are kept and read back, and change nothing. */
import { refuse } from "../core/arguments.js";
import { connectionRules } from "./models.generated.js";

/** How much NEST would say, by NEST's names: for scripts that set `verbosity`. */
export const VerbosityLevel = {
  ALL: 0,
  DEBUG: 5,
  STATUS: 7,
  INFO: 10,
  PROGRESS: 15,
  DEPRECATED: 18,
  WARNING: 20,
  ERROR: 30,
  FATAL: 40,
  QUIET: 100,
} as const;

/** One of {@link VerbosityLevel}'s. */
export type VerbosityLevel = (typeof VerbosityLevel)[keyof typeof VerbosityLevel];

/** Values that are accepted without effect, with NEST's defaults. */
export const withoutEffect = {
  adaptive_target_buffers: true,
  buffer_size_spike_data: 2,
  buffer_size_target_data: 2,
  dict_miss_is_error: true,
  growth_factor_buffer_spike_data: 1.5,
  growth_factor_buffer_target_data: 1.5,
  keep_source_table: true,
  max_buffer_size_target_data: 16_777_216,
  max_update_time: 0,
  min_update_time: 0,
  recording_backend: "memory",
  rng_type: "mt19937_64",
  sort_connections_by_source: true,
  spike_buffer_grow_extra: 0.5,
  spike_buffer_resize_log: "",
  spike_buffer_shrink_limit: 0.2,
  spike_buffer_shrink_spare: 0.1,
  structural_plasticity_update_interval: 10_000,
  update_time_limit: Number.MAX_VALUE,
  use_compressed_spikes: true,
  use_wfr: true,
  verbosity: VerbosityLevel.ERROR,
  wfr_comm_interval: 1,
  wfr_interpolation_order: 3,
  wfr_max_iterations: 15,
  wfr_tol: 0.0001,
} as const satisfies Record<string, boolean | number | string>;

/** Of values without effect, those that are one of some; another would say something else than what is done. */
const choices: Partial<Record<ValueWithoutEffect, { of: readonly unknown[]; words: string }>> = {
  rng_type: { of: [withoutEffect.rng_type], words: withoutEffect.rng_type },
  verbosity: {
    of: Object.values(VerbosityLevel),
    words: `one of VerbosityLevel: ${Object.keys(VerbosityLevel).join(", ")}`,
  },
};

/** Names of values that are accepted without effect. */
export type ValueWithoutEffect = keyof typeof withoutEffect;

/** The type of a value, of one that is written down. */
export type Widened<V> = V extends boolean ? boolean : V extends number ? number : string;

/** Kernel values of NEST that are accepted, kept, and change nothing. */
export type ParamsWithoutEffect = {
  [N in ValueWithoutEffect]?: N extends "verbosity" ? VerbosityLevel : Widened<(typeof withoutEffect)[N]>;
};

/** Kernel values that follow from others, or never change. */
export interface FixedValues {
  /** Names of all node models, copies included. */
  node_models: string[];
  /** Names of all synapse models, copies included. */
  synapse_models: string[];
  connection_rules: readonly string[];
  recording_backends: string[];
  /** Spikes that neurons, parrots and spike train injectors sent in the last simulation. */
  local_spike_counter: number;
  /** Whether `Prepare` was called and `Cleanup` was not. */
  prepared: boolean;
  mpi_rank: number;
  rng_types: string[];
  stimulation_backends: string[];
  /** Tics in a step. */
  tics_per_step: number;
  tics_per_ms: number;
  /** Length of a tic (ms). */
  ms_per_tic: number;
  num_processes: number;
  off_grid_spiking: boolean;
}

const ticsPerMs = 1000;

/** Values that never change. */
export const constants = {
  connection_rules: connectionRules,
  recording_backends: ["ascii", "memory"],
  stimulation_backends: [] as string[],
  rng_types: ["mt19937_64"],
  mpi_rank: 0,
  tics_per_ms: ticsPerMs,
  ms_per_tic: 1 / ticsPerMs,
  num_processes: 1,
  off_grid_spiking: false,
};

/** Takes the values without effect out of a dictionary of kernel values; both parts are new. */
export function splitValues(values: Record<string, unknown>): {
  effective: Record<string, unknown>;
  kept: Record<string, unknown>;
} {
  const [effective, kept]: Record<string, unknown>[] = [{}, {}];
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    if (Object.hasOwn(withoutEffect, name)) {
      const choice = choices[name as ValueWithoutEffect];
      const kind = typeof withoutEffect[name as ValueWithoutEffect];
      if (choice !== undefined && !choice.of.includes(value)) refuse(name, value, choice.words);
      if (choice === undefined && typeof value !== kind) {
        refuse(name, value, kind === "boolean" ? "true or false" : kind === "number" ? "a number" : "a text");
      }
      (kept as Record<string, unknown>)[name] = value;
    } else if (!(name in constants && Object.is(constants[name as keyof typeof constants], value))) {
      // What has the value that it is set to needs no setting.
      (effective as Record<string, unknown>)[name] = value;
    }
  }
  return { effective: effective as Record<string, unknown>, kept: kept as Record<string, unknown> };
}
