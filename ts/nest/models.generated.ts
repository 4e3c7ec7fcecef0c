// Generated from the engine's tables by scripts/generate-types.mjs. Do not edit.
import type { NodeReference, NumberList, Scalar, WholeScalar } from "./types.js";

/** Parameters of an optimizer. */
export interface OptimizerParams {
  /** How weights follow gradients. Default gradient_descent. */
  optimizer?: "gradient_descent" | "adam" | "adamw";
  /** How weights follow gradients. Default gradient_descent. */
  type?: "gradient_descent" | "adam" | "adamw";
  /** Update intervals (or spikes) per optimizer step. Default 1. */
  batch_size?: number;
  /** Learning rate. Default 0.0001. */
  eta?: number;
  /** Call the optimizer for every step of a window, not once with the sum. Default true. */
  optimize_each_step?: boolean;
  /** Coefficient of the squared weights in the loss, whose gradient pulls each weight to zero. Default 0. */
  c_l2?: number;
  /** Lower bound of the weight. Default -100. */
  Wmin?: number;
  /** Upper bound of the weight. Default 100. */
  Wmax?: number;
  /** Decay of the first moment (adam, adamw). Default 0.9. */
  beta_1?: number;
  /** Decay of the second moment (adam, adamw). Default 0.999. */
  beta_2?: number;
  /** Keeps the quotient finite (adam, adamw). Default 0.0000001. */
  epsilon?: number;
  /** Share of the weight, times the learning rate, that is lost in a step (adamw). Default 0.01. */
  weight_decay?: number;
}

/**
 * Settable parameters of each node model. `S` are the values of a number, `W` those of a whole number: as several
 * nodes take them, if left out.
 */
export interface NodeParams<S = Scalar, W = WholeScalar> {
  /** leaky integrate-and-fire neuron whose weights change once an update interval. */
  eprop_iaf_bsshslm_2020: {
    /** Capacitance of the membrane (pF). Default 250. */
    C_m?: S;
    /** Time constant of the membrane (ms). Default 10. */
    tau_m?: S;
    /** Constant current (pA). Default 0. */
    I_e?: S;
    /** Lower bound of the membrane voltage (mV). Default -∞. */
    V_min?: S;
    /** Resting voltage (mV). Default -70. */
    E_L?: S;
    /** Membrane voltage (mV). Default -70. */
    V_m?: S;
    /** Spike threshold (mV). Default -55. */
    V_th?: S;
    /** Refractory time (ms). Default 2. */
    t_ref?: S;
    /** Coefficient of firing-rate regularization. Default 0. */
    c_reg?: S;
    /** Target firing rate (spikes/s). Default 10. */
    f_target?: S;
    /** Coefficient of voltage regularization. Default 0. */
    c_voltage?: S;
    /** Whether I_e learns, by the optimizer of the first plastic connections onto neurons of this kind. Default false. */
    learns_bias?: boolean;
    /** Learning rate of I_e, as a multiple of that of these connections. Default 1. */
    bias_rate?: S;
    /** Input spikes move the voltage by their whole weight, not by 1 - exp(-dt/τ_m) of it. Default true. */
    regular_spike_arrival?: boolean;
    /** Shape of the surrogate gradient. Default piecewise_linear. */
    surrogate_gradient_function?:
      "piecewise_linear" | "exponential" | "fast_sigmoid_derivative" | "arctan_derivative";
    /** Height of the surrogate gradient. Default 0.3. */
    surrogate_gradient_height?: S;
    /** Width of the surrogate gradient (mV). Default 1. */
    surrogate_gradient_width?: S;
    /** Ignore the input and fire by the clock. Default false. */
    ignore_and_spike?: boolean;
    /** Time of the first spike of a neuron that fires by the clock (ms). Default 1. */
    ignore_and_spike_offset?: S;
    /** Time between spikes of a neuron that fires by the clock (ms). Default 100. */
    ignore_and_spike_interval?: S;
    /** Accepted and without effect: history is bounded without it (ms). Default ∞. */
    flush_event_send_interval?: S;
  };
  /** leaky integrate-and-fire neuron with an adaptive threshold whose weights change once an update interval. */
  eprop_iaf_adapt_bsshslm_2020: {
    /** Capacitance of the membrane (pF). Default 250. */
    C_m?: S;
    /** Time constant of the membrane (ms). Default 10. */
    tau_m?: S;
    /** Constant current (pA). Default 0. */
    I_e?: S;
    /** Lower bound of the membrane voltage (mV). Default -∞. */
    V_min?: S;
    /** Resting voltage (mV). Default -70. */
    E_L?: S;
    /** Membrane voltage (mV). Default -70. */
    V_m?: S;
    /** Spike threshold (mV). Default -55. */
    V_th?: S;
    /** Refractory time (ms). Default 2. */
    t_ref?: S;
    /** Coefficient of firing-rate regularization. Default 0. */
    c_reg?: S;
    /** Target firing rate (spikes/s). Default 10. */
    f_target?: S;
    /** Coefficient of voltage regularization. Default 0. */
    c_voltage?: S;
    /** Whether I_e learns, by the optimizer of the first plastic connections onto neurons of this kind. Default false. */
    learns_bias?: boolean;
    /** Learning rate of I_e, as a multiple of that of these connections. Default 1. */
    bias_rate?: S;
    /** Gain of the adaptation on the threshold (mV). Default 1. */
    adapt_beta?: S;
    /** Time constant of the adaptation (ms). Default 10. */
    adapt_tau?: S;
    /** Adaptation. Default 0. */
    adaptation?: S;
    /** Input spikes move the voltage by their whole weight, not by 1 - exp(-dt/τ_m) of it. Default true. */
    regular_spike_arrival?: boolean;
    /** Shape of the surrogate gradient. Default piecewise_linear. */
    surrogate_gradient_function?:
      "piecewise_linear" | "exponential" | "fast_sigmoid_derivative" | "arctan_derivative";
    /** Height of the surrogate gradient. Default 0.3. */
    surrogate_gradient_height?: S;
    /** Width of the surrogate gradient (mV). Default 1. */
    surrogate_gradient_width?: S;
    /** Ignore the input and fire by the clock. Default false. */
    ignore_and_spike?: boolean;
    /** Time of the first spike of a neuron that fires by the clock (ms). Default 1. */
    ignore_and_spike_offset?: S;
    /** Time between spikes of a neuron that fires by the clock (ms). Default 100. */
    ignore_and_spike_interval?: S;
    /** Accepted and without effect: history is bounded without it (ms). Default ∞. */
    flush_event_send_interval?: S;
  };
  /** readout neuron of networks whose weights change once an update interval. */
  eprop_readout_bsshslm_2020: {
    /** Capacitance of the membrane (pF). Default 250. */
    C_m?: S;
    /** Time constant of the membrane (ms). Default 10. */
    tau_m?: S;
    /** Constant current (pA). Default 0. */
    I_e?: S;
    /** Lower bound of the membrane voltage (mV). Default -∞. */
    V_min?: S;
    /** Resting voltage (mV). Default 0. */
    E_L?: S;
    /** Membrane voltage (mV). Default 0. */
    V_m?: S;
    /** Input spikes move the voltage by their whole weight, not by 1 - exp(-dt/τ_m) of it. Default true. */
    regular_spike_arrival?: boolean;
    /** Whether I_e learns, by the optimizer of the first plastic connections onto neurons of this kind. Default false. */
    learns_bias?: boolean;
    /** Learning rate of I_e, as a multiple of that of these connections. Default 1. */
    bias_rate?: S;
    /** Loss function. Default mean_squared_error. */
    loss?: "mean_squared_error" | "cross_entropy" | "cross_entropy_of_mean";
    /** Share of a target signal that is spread evenly over all readouts. Default 0. */
    label_smoothing?: S;
  };
  /** leaky integrate-and-fire neuron whose weights change at every presynaptic spike. */
  eprop_iaf: {
    /** Capacitance of the membrane (pF). Default 250. */
    C_m?: S;
    /** Time constant of the membrane (ms). Default 10. */
    tau_m?: S;
    /** Constant current (pA). Default 0. */
    I_e?: S;
    /** Lower bound of the membrane voltage (mV). Default -∞. */
    V_min?: S;
    /** Resting voltage (mV). Default -70. */
    E_L?: S;
    /** Membrane voltage (mV). Default -70. */
    V_m?: S;
    /** Spike threshold (mV). Default -55. */
    V_th?: S;
    /** Refractory time (ms). Default 2. */
    t_ref?: S;
    /** Coefficient of firing-rate regularization. Default 0. */
    c_reg?: S;
    /** Target firing rate (spikes/s). Default 10. */
    f_target?: S;
    /** Shape of the surrogate gradient. Default piecewise_linear. */
    surrogate_gradient_function?:
      "piecewise_linear" | "exponential" | "fast_sigmoid_derivative" | "arctan_derivative";
    /** Height of the surrogate gradient. Default 0.3. */
    surrogate_gradient_height?: S;
    /** Width of the surrogate gradient (mV). Default 1. */
    surrogate_gradient_width?: S;
    /** Decay of the eligibility trace in a step. Default 0.97. */
    kappa?: S;
    /** Decay of the firing-rate trace in a step. Default 0.97. */
    kappa_reg?: S;
    /** Longest part of an interspike interval that eligibility is computed for (ms). Default ∞. */
    eprop_isi_trace_cutoff?: S;
    /** Ignore the input and fire by the clock. Default false. */
    ignore_and_spike?: boolean;
    /** Time of the first spike of a neuron that fires by the clock (ms). Default 1. */
    ignore_and_spike_offset?: S;
    /** Time between spikes of a neuron that fires by the clock (ms). Default 100. */
    ignore_and_spike_interval?: S;
    /** Accepted and without effect: history is bounded without it (ms). Default ∞. */
    flush_event_send_interval?: S;
  };
  /** leaky integrate-and-fire neuron with an adaptive threshold whose weights change at every presynaptic spike. */
  eprop_iaf_adapt: {
    /** Capacitance of the membrane (pF). Default 250. */
    C_m?: S;
    /** Time constant of the membrane (ms). Default 10. */
    tau_m?: S;
    /** Constant current (pA). Default 0. */
    I_e?: S;
    /** Lower bound of the membrane voltage (mV). Default -∞. */
    V_min?: S;
    /** Resting voltage (mV). Default -70. */
    E_L?: S;
    /** Membrane voltage (mV). Default -70. */
    V_m?: S;
    /** Spike threshold (mV). Default -55. */
    V_th?: S;
    /** Refractory time (ms). Default 2. */
    t_ref?: S;
    /** Coefficient of firing-rate regularization. Default 0. */
    c_reg?: S;
    /** Target firing rate (spikes/s). Default 10. */
    f_target?: S;
    /** Gain of the adaptation on the threshold (mV). Default 1. */
    adapt_beta?: S;
    /** Time constant of the adaptation (ms). Default 10. */
    adapt_tau?: S;
    /** Adaptation. Default 0. */
    adaptation?: S;
    /** Shape of the surrogate gradient. Default piecewise_linear. */
    surrogate_gradient_function?:
      "piecewise_linear" | "exponential" | "fast_sigmoid_derivative" | "arctan_derivative";
    /** Height of the surrogate gradient. Default 0.3. */
    surrogate_gradient_height?: S;
    /** Width of the surrogate gradient (mV). Default 1. */
    surrogate_gradient_width?: S;
    /** Decay of the eligibility trace in a step. Default 0.97. */
    kappa?: S;
    /** Decay of the firing-rate trace in a step. Default 0.97. */
    kappa_reg?: S;
    /** Longest part of an interspike interval that eligibility is computed for (ms). Default ∞. */
    eprop_isi_trace_cutoff?: S;
    /** Ignore the input and fire by the clock. Default false. */
    ignore_and_spike?: boolean;
    /** Time of the first spike of a neuron that fires by the clock (ms). Default 1. */
    ignore_and_spike_offset?: S;
    /** Time between spikes of a neuron that fires by the clock (ms). Default 100. */
    ignore_and_spike_interval?: S;
    /** Accepted and without effect: history is bounded without it (ms). Default ∞. */
    flush_event_send_interval?: S;
  };
  /** leaky integrate-and-fire neuron with hard reset whose weights change at every presynaptic spike. */
  eprop_iaf_psc_delta: {
    /** Capacitance of the membrane (pF). Default 250. */
    C_m?: S;
    /** Time constant of the membrane (ms). Default 10. */
    tau_m?: S;
    /** Constant current (pA). Default 0. */
    I_e?: S;
    /** Lower bound of the membrane voltage (mV). Default -∞. */
    V_min?: S;
    /** Resting voltage (mV). Default -70. */
    E_L?: S;
    /** Membrane voltage (mV). Default -70. */
    V_m?: S;
    /** Spike threshold (mV). Default -55. */
    V_th?: S;
    /** Refractory time (ms). Default 2. */
    t_ref?: S;
    /** Coefficient of firing-rate regularization. Default 0. */
    c_reg?: S;
    /** Target firing rate (spikes/s). Default 10. */
    f_target?: S;
    /** Voltage after a spike (mV). Default -70. */
    V_reset?: S;
    /** Keep input that arrives in the refractory time until its end. Default false. */
    refractory_input?: boolean;
    /** Shape of the surrogate gradient. Default piecewise_linear. */
    surrogate_gradient_function?:
      "piecewise_linear" | "exponential" | "fast_sigmoid_derivative" | "arctan_derivative";
    /** Height of the surrogate gradient. Default 0.3. */
    surrogate_gradient_height?: S;
    /** Width of the surrogate gradient (mV). Default 1. */
    surrogate_gradient_width?: S;
    /** Decay of the eligibility trace in a step. Default 0.97. */
    kappa?: S;
    /** Decay of the firing-rate trace in a step. Default 0.97. */
    kappa_reg?: S;
    /** Longest part of an interspike interval that eligibility is computed for (ms). Default ∞. */
    eprop_isi_trace_cutoff?: S;
    /** Ignore the input and fire by the clock. Default false. */
    ignore_and_spike?: boolean;
    /** Time of the first spike of a neuron that fires by the clock (ms). Default 1. */
    ignore_and_spike_offset?: S;
    /** Time between spikes of a neuron that fires by the clock (ms). Default 100. */
    ignore_and_spike_interval?: S;
    /** Accepted and without effect: history is bounded without it (ms). Default ∞. */
    flush_event_send_interval?: S;
  };
  /** leaky integrate-and-fire neuron with hard reset and adaptive threshold whose weights change at every presynaptic spike. */
  eprop_iaf_psc_delta_adapt: {
    /** Capacitance of the membrane (pF). Default 250. */
    C_m?: S;
    /** Time constant of the membrane (ms). Default 10. */
    tau_m?: S;
    /** Constant current (pA). Default 0. */
    I_e?: S;
    /** Lower bound of the membrane voltage (mV). Default -∞. */
    V_min?: S;
    /** Resting voltage (mV). Default -70. */
    E_L?: S;
    /** Membrane voltage (mV). Default -70. */
    V_m?: S;
    /** Spike threshold (mV). Default -55. */
    V_th?: S;
    /** Refractory time (ms). Default 2. */
    t_ref?: S;
    /** Coefficient of firing-rate regularization. Default 0. */
    c_reg?: S;
    /** Target firing rate (spikes/s). Default 10. */
    f_target?: S;
    /** Voltage after a spike (mV). Default -70. */
    V_reset?: S;
    /** Keep input that arrives in the refractory time until its end. Default false. */
    refractory_input?: boolean;
    /** Gain of the adaptation on the threshold (mV). Default 1. */
    adapt_beta?: S;
    /** Time constant of the adaptation (ms). Default 10. */
    adapt_tau?: S;
    /** Adaptation. Default 0. */
    adaptation?: S;
    /** Shape of the surrogate gradient. Default piecewise_linear. */
    surrogate_gradient_function?:
      "piecewise_linear" | "exponential" | "fast_sigmoid_derivative" | "arctan_derivative";
    /** Height of the surrogate gradient. Default 0.3. */
    surrogate_gradient_height?: S;
    /** Width of the surrogate gradient (mV). Default 1. */
    surrogate_gradient_width?: S;
    /** Decay of the eligibility trace in a step. Default 0.97. */
    kappa?: S;
    /** Decay of the firing-rate trace in a step. Default 0.97. */
    kappa_reg?: S;
    /** Longest part of an interspike interval that eligibility is computed for (ms). Default ∞. */
    eprop_isi_trace_cutoff?: S;
    /** Ignore the input and fire by the clock. Default false. */
    ignore_and_spike?: boolean;
    /** Time of the first spike of a neuron that fires by the clock (ms). Default 1. */
    ignore_and_spike_offset?: S;
    /** Time between spikes of a neuron that fires by the clock (ms). Default 100. */
    ignore_and_spike_interval?: S;
    /** Accepted and without effect: history is bounded without it (ms). Default ∞. */
    flush_event_send_interval?: S;
  };
  /** readout neuron of networks whose weights change at every presynaptic spike. */
  eprop_readout: {
    /** Capacitance of the membrane (pF). Default 250. */
    C_m?: S;
    /** Time constant of the membrane (ms). Default 10. */
    tau_m?: S;
    /** Constant current (pA). Default 0. */
    I_e?: S;
    /** Lower bound of the membrane voltage (mV). Default -∞. */
    V_min?: S;
    /** Resting voltage (mV). Default 0. */
    E_L?: S;
    /** Membrane voltage (mV). Default 0. */
    V_m?: S;
    /** Longest part of an interspike interval that eligibility is computed for (ms). Default ∞. */
    eprop_isi_trace_cutoff?: S;
  };
  /** repeats the spikes it receives. */
  parrot_neuron: {
    /** Ignore the input and fire by the clock. Default false. */
    ignore_and_spike?: boolean;
    /** Time of the first spike of a neuron that fires by the clock (ms). Default 1. */
    ignore_and_spike_offset?: S;
    /** Time between spikes of a neuron that fires by the clock (ms). Default 100. */
    ignore_and_spike_interval?: S;
    /** Accepted and without effect: history is bounded without it (ms). Default ∞. */
    flush_event_send_interval?: S;
  };
  /** emits spikes at given times. */
  spike_generator: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** Times of the spikes, ascending, none of them 0 (ms). */
    spike_times?: NumberList;
    /** How many spikes each time stands for. */
    spike_multiplicities?: NumberList;
    /** Not supported: leave it empty. */
    spike_weights?: NumberList;
    /** Move times between steps to the end of their step. Default false. */
    allow_offgrid_times?: boolean;
    /** Not supported: leave it off. Default false. */
    precise_times?: boolean;
    /** Move a spike at the present time to the next step. Default false. */
    shift_now_spikes?: boolean;
  };
  /** emits spikes at given times, as a neuron does. */
  spike_train_injector: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** Times of the spikes, ascending, none of them 0 (ms). */
    spike_times?: NumberList;
    /** How many spikes each time stands for. */
    spike_multiplicities?: NumberList;
    /** Move times between steps to the end of their step. Default false. */
    allow_offgrid_times?: boolean;
    /** Not supported: leave it off. Default false. */
    precise_times?: boolean;
    /** Move a spike at the present time to the next step. Default false. */
    shift_now_spikes?: boolean;
  };
  /** emits Poisson spike trains, one for each target. */
  poisson_generator: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** Mean firing rate (spikes/s). Default 0. */
    rate?: S;
  };
  /** emits Poisson spike trains with a piecewise constant rate, one for each target. */
  inhomogeneous_poisson_generator: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** Times at which the rate changes, strictly ascending (ms). */
    rate_times?: NumberList;
    /** Mean firing rate from each of these times on; no spikes where it is negative (spikes/s). */
    rate_values?: NumberList;
    /** Move times between steps to the end of their step. Default false. */
    allow_offgrid_times?: boolean;
  };
  /** sends a constant current. */
  dc_generator: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** The current (pA). Default 0. */
    amplitude?: S;
  };
  /** sends a sinusoidal current. */
  ac_generator: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** Amplitude of the sine (pA). Default 0. */
    amplitude?: S;
    /** Constant part of the current (pA). Default 0. */
    offset?: S;
    /** Frequency of the sine (Hz). Default 0. */
    frequency?: S;
    /** Phase of the sine at time 0 (°). Default 0. */
    phase?: S;
  };
  /** sends a piecewise constant current. */
  step_current_generator: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** Times at which the current changes, strictly ascending (ms). */
    amplitude_times?: NumberList;
    /** The current from each of these times on (pA). */
    amplitude_values?: NumberList;
    /** Move times between steps to the end of their step. Default false. */
    allow_offgrid_times?: boolean;
  };
  /** sends normal noise as a current, another to each target. */
  noise_generator: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** Mean of the current (pA). Default 0. */
    mean?: S;
    /** Standard deviation of the current (pA). Default 0. */
    std?: S;
    /** Modulation of the standard deviation (pA). Default 0. */
    std_mod?: S;
    /** Time after which the current is drawn anew (ms). Default 1. */
    dt?: S;
    /** Frequency of the sine (Hz). Default 0. */
    frequency?: S;
    /** Phase of the sine at time 0 (°). Default 0. */
    phase?: S;
  };
  /** emits a piecewise constant rate. */
  step_rate_generator: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** Times at which the rate changes, strictly ascending (ms). */
    amplitude_times?: NumberList;
    /** The rate from each of these times on. */
    amplitude_values?: NumberList;
    /** Move times between steps to the end of their step. Default false. */
    allow_offgrid_times?: boolean;
  };
  /** records state variables at regular times. */
  multimeter: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** Where events go. Default memory. */
    record_to?: "memory" | "ascii";
    /** Give times in steps. Default false. */
    time_in_steps?: boolean;
    /** End of the names of files. Default dat. */
    file_extension?: string;
    /** Decimal places of numbers in files. Default 3. */
    precision?: W;
    /** Number of events held; setting it to 0 drops them. Default 0. */
    n_events?: W;
    /** Time between samples (ms). Default 1. */
    interval?: S;
    /** Added to the times of samples (ms). Default 0. */
    offset?: S;
    /** State variables to record. */
    record_from?: readonly Recordables[keyof Recordables][];
  };
  /** records membrane voltages at regular times. */
  voltmeter: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** Where events go. Default memory. */
    record_to?: "memory" | "ascii";
    /** Give times in steps. Default false. */
    time_in_steps?: boolean;
    /** End of the names of files. Default dat. */
    file_extension?: string;
    /** Decimal places of numbers in files. Default 3. */
    precision?: W;
    /** Number of events held; setting it to 0 drops them. Default 0. */
    n_events?: W;
    /** Time between samples (ms). Default 1. */
    interval?: S;
    /** Added to the times of samples (ms). Default 0. */
    offset?: S;
    /** State variables to record. Default V_m. */
    record_from?: readonly Recordables[keyof Recordables][];
  };
  /** records spikes. */
  spike_recorder: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** Where events go. Default memory. */
    record_to?: "memory" | "ascii";
    /** Give times in steps. Default false. */
    time_in_steps?: boolean;
    /** End of the names of files. Default dat. */
    file_extension?: string;
    /** Decimal places of numbers in files. Default 3. */
    precision?: W;
    /** Number of events held; setting it to 0 drops them. Default 0. */
    n_events?: W;
  };
  /** records the weights that spikes meet. */
  weight_recorder: {
    /** Time from which the device is active (excluded) (ms). Default 0. */
    start?: S;
    /** Time until which the device is active (included) (ms). Default ∞. */
    stop?: S;
    /** Added to start and stop (ms). Default 0. */
    origin?: S;
    /** A name for files. */
    label?: string;
    /** Where events go. Default memory. */
    record_to?: "memory" | "ascii";
    /** Give times in steps. Default false. */
    time_in_steps?: boolean;
    /** End of the names of files. Default dat. */
    file_extension?: string;
    /** Decimal places of numbers in files. Default 3. */
    precision?: W;
    /** Number of events held; setting it to 0 drops them. Default 0. */
    n_events?: W;
    /** Presynaptic nodes to record; all if empty. */
    senders?: NodeReference;
    /** Postsynaptic nodes to record; all if empty. */
    targets?: NodeReference;
  };
}

/** Names of the connection rules. */
export const connectionRules = [
  "all_to_all",
  "fixed_indegree",
  "fixed_outdegree",
  "fixed_total_number",
  "one_to_one",
  "pairwise_bernoulli",
  "pairwise_poisson",
] as const;

/** Names of the distributions that parameters are drawn from. */
export const randomDistributions = ["normal", "uniform", "lognormal", "exponential", "uniform_int"] as const;

/** What is computed of random numbers, and of how many. */
export const randomOperations = {
  add: 2,
  subtract: 2,
  multiply: 2,
  divide: 2,
  power: 2,
  exp: 1,
  sin: 1,
  cos: 1,
  min: 2,
  max: 2,
  less: 2,
  less_or_equal: 2,
  equal: 2,
  unequal: 2,
  greater_or_equal: 2,
  greater: 2,
  conditional: 3,
  redraw: 3,
} as const;

/** Names that parameters of synapse models, optimizers (`optimizer`) and surrogate gradients choose from. */
export const choices = {
  optimizer: ["gradient_descent", "adam", "adamw"],
  rewiring: ["none", "deep_r", "prune"],
  feedback: ["random", "symmetric", "adaptive"],
  surrogate_gradient_function: [
    "piecewise_linear",
    "exponential",
    "fast_sigmoid_derivative",
    "arctan_derivative",
  ],
} as const;

/** Defaults of the numbers of optimizers. */
export const optimizerDefaults = {
  eta: 0.0001,
  c_l2: 0,
  Wmin: -100,
  Wmax: 100,
  beta_1: 0.9,
  beta_2: 0.999,
  epsilon: 0.0000001,
  weight_decay: 0.01,
} as const;

/** What readouts learn to make small, the default first. */
export const losses = {
  mean_squared_error: { formula: "ℒ = ½ Σ (yₖ − yₖ*)²", isShared: false, isOfMean: false },
  cross_entropy: { formula: "ℒ = −Σ πₖ* log πₖ", isShared: true, isOfMean: false },
  cross_entropy_of_mean: { formula: "ℒ = −Σ πₖ* log πₖ", isShared: true, isOfMean: true },
} as const;

/** Optimizers, the default first, with the parameters that each has besides those of all. */
export const optimizers = {
  gradient_descent: { hasMoments: false, parameters: [] },
  adam: { hasMoments: true, parameters: ["beta_1", "beta_2", "epsilon"] },
  adamw: { hasMoments: true, parameters: ["beta_1", "beta_2", "epsilon", "weight_decay"] },
} as const;

/** The parameters that some optimizers have and others have not. */
export const ownOptimizerParams = {
  beta_1: {
    kind: "number",
    unit: "",
    default: 0.9,
    bound: "from [0, 1)",
    text: "Decay of the first moment (adam, adamw)",
  },
  beta_2: {
    kind: "number",
    unit: "",
    default: 0.999,
    bound: "from [0, 1)",
    text: "Decay of the second moment (adam, adamw)",
  },
  epsilon: {
    kind: "number",
    unit: "",
    default: 1e-7,
    bound: "≥ 0",
    text: "Keeps the quotient finite (adam, adamw)",
  },
  weight_decay: {
    kind: "number",
    unit: "",
    default: 0.01,
    bound: "≥ 0",
    text: "Share of the weight, times the learning rate, that is lost in a step (adamw)",
  },
} as const;

/** Where the weights of learning signals come from, the default first. */
export const feedbackSources = {
  random: { changes: false, isReadouts: false, decays: false },
  symmetric: { changes: true, isReadouts: true, decays: false },
  adaptive: { changes: true, isReadouts: false, decays: true },
} as const;

/** What becomes of connections in an update, the default first, with the parameters that each has. */
export const rewirings = {
  none: { replaces: false, takesAway: false, parameters: [] },
  deep_r: { replaces: true, takesAway: false, parameters: ["rewiring_l1", "rewiring_temperature"] },
  prune: { replaces: false, takesAway: true, parameters: ["rewiring_threshold"] },
} as const;

/** What the neurons of each model do, beside the numbers of their parameters. */
export const dynamics = {
  eprop_iaf_bsshslm_2020: { role: "recurrent", rule: "interval", reset: "subtract", adapts: false },
  eprop_iaf_adapt_bsshslm_2020: { role: "recurrent", rule: "interval", reset: "subtract", adapts: true },
  eprop_readout_bsshslm_2020: { role: "readout", rule: "interval", reset: null, adapts: false },
  eprop_iaf: { role: "recurrent", rule: "plus", reset: "subtract", adapts: false },
  eprop_iaf_adapt: { role: "recurrent", rule: "plus", reset: "subtract", adapts: true },
  eprop_iaf_psc_delta: { role: "recurrent", rule: "plus", reset: "hard", adapts: false },
  eprop_iaf_psc_delta_adapt: { role: "recurrent", rule: "plus", reset: "hard", adapts: true },
  eprop_readout: { role: "readout", rule: "plus", reset: null, adapts: false },
} as const;

/** What a multimeter can record of each node model. */
export interface Recordables {
  eprop_iaf_bsshslm_2020: "V_m" | "eprop_history_duration" | "learning_signal" | "surrogate_gradient";
  eprop_iaf_adapt_bsshslm_2020:
    "V_m" | "V_th_adapt" | "adaptation" | "eprop_history_duration" | "learning_signal" | "surrogate_gradient";
  eprop_readout_bsshslm_2020:
    | "V_m"
    | "eprop_history_duration"
    | "error_signal"
    | "readout_signal"
    | "readout_signal_unnorm"
    | "target_signal";
  eprop_iaf: "V_m" | "eprop_history_duration" | "learning_signal" | "surrogate_gradient";
  eprop_iaf_adapt:
    "V_m" | "V_th_adapt" | "adaptation" | "eprop_history_duration" | "learning_signal" | "surrogate_gradient";
  eprop_iaf_psc_delta: "V_m" | "eprop_history_duration" | "learning_signal" | "surrogate_gradient";
  eprop_iaf_psc_delta_adapt:
    "V_m" | "V_th_adapt" | "adaptation" | "eprop_history_duration" | "learning_signal" | "surrogate_gradient";
  eprop_readout: "V_m" | "eprop_history_duration" | "error_signal" | "readout_signal" | "target_signal";
  parrot_neuron: never;
  spike_generator: never;
  spike_train_injector: never;
  poisson_generator: never;
  inhomogeneous_poisson_generator: never;
  dc_generator: "I";
  ac_generator: "I";
  step_current_generator: "I";
  noise_generator: never;
  step_rate_generator: "rate";
  multimeter: never;
  voltmeter: never;
  spike_recorder: never;
  weight_recorder: never;
}

/** What nodes of each model show besides their settable parameters. */
export interface NodeReadings {
  eprop_iaf_bsshslm_2020: {
    /** Surrogate gradient. Default 0. */
    surrogate_gradient: number;
    /** Learning signal (pA). Default 0. */
    learning_signal: number;
  };
  eprop_iaf_adapt_bsshslm_2020: {
    /** Surrogate gradient. Default 0. */
    surrogate_gradient: number;
    /** Learning signal (pA). Default 0. */
    learning_signal: number;
    /** Adapted spike threshold (mV). Default -55. */
    V_th_adapt: number;
  };
  eprop_readout_bsshslm_2020: {
    /** Readout signal (mV). Default 0. */
    readout_signal: number;
    /** Target signal (mV). Default 0. */
    target_signal: number;
    /** Error signal (mV). Default 0. */
    error_signal: number;
    /** Readout signal before it is normalized (mV). Default 0. */
    readout_signal_unnorm: number;
    /** Receptors, and their numbers. */
    receptor_types: { readout_signal: number; target_signal: number };
  };
  eprop_iaf: {
    /** Surrogate gradient. Default 0. */
    surrogate_gradient: number;
    /** Learning signal (pA). Default 0. */
    learning_signal: number;
  };
  eprop_iaf_adapt: {
    /** Surrogate gradient. Default 0. */
    surrogate_gradient: number;
    /** Learning signal (pA). Default 0. */
    learning_signal: number;
    /** Adapted spike threshold (mV). Default -55. */
    V_th_adapt: number;
  };
  eprop_iaf_psc_delta: {
    /** Surrogate gradient. Default 0. */
    surrogate_gradient: number;
    /** Learning signal (pA). Default 0. */
    learning_signal: number;
  };
  eprop_iaf_psc_delta_adapt: {
    /** Surrogate gradient. Default 0. */
    surrogate_gradient: number;
    /** Learning signal (pA). Default 0. */
    learning_signal: number;
    /** Adapted spike threshold (mV). Default -55. */
    V_th_adapt: number;
  };
  eprop_readout: {
    /** Readout signal (mV). Default 0. */
    readout_signal: number;
    /** Target signal (mV). Default 0. */
    target_signal: number;
    /** Error signal (mV). Default 0. */
    error_signal: number;
    /** Receptors, and their numbers. */
    receptor_types: { eprop_learning_window: number; target_signal: number };
  };
}

/** Columns of the events of each recorder. */
export interface RecordedColumns {
  multimeter: { readonly times: Float64Array; readonly senders: Uint32Array } & {
    readonly [recordable: string]: Float64Array;
  };
  voltmeter: { readonly times: Float64Array; readonly senders: Uint32Array } & {
    readonly [recordable: string]: Float64Array;
  };
  spike_recorder: { readonly times: Float64Array; readonly senders: Uint32Array };
  weight_recorder: {
    readonly times: Float64Array;
    readonly senders: Uint32Array;
    readonly targets: Uint32Array;
    readonly receptors: Uint32Array;
    readonly weights: Float64Array;
  };
}

/** An optimizer as it is read; some values belong to some optimizers. */
export type OptimizerValues = Required<
  Pick<OptimizerParams, "optimizer" | "batch_size" | "eta" | "optimize_each_step" | "c_l2" | "Wmin" | "Wmax">
> &
  Pick<OptimizerParams, "beta_1" | "beta_2" | "epsilon" | "weight_decay">;

/** Parameters of each synapse model, as `SetDefaults` takes them. */
export interface SynapseParams {
  /** a synapse whose weight does not change. */
  static_synapse: {
    /** Weight. Default 1. */
    weight?: number;
    /** Delay (ms). Default 1. */
    delay?: number;
    /** Receptor that is reached. Default 0. */
    receptor_type?: number;
    /** The recorder that sees the weights. */
    weight_recorder?: NodeReference;
  };
  /** a synapse whose weight does not change and is that of the model. */
  static_synapse_hom_w: {
    /** Weight. Default 1. */
    weight?: number;
    /** Delay (ms). Default 1. */
    delay?: number;
    /** Receptor that is reached. Default 0. */
    receptor_type?: number;
    /** The recorder that sees the weights. */
    weight_recorder?: NodeReference;
  };
  /** a plastic synapse whose weight changes once an update interval. */
  eprop_synapse_bsshslm_2020: {
    /** Weight. Default 1. */
    weight?: number;
    /** Delay (ms). Default 1. */
    delay?: number;
    /** Receptor that is reached. Default 0. */
    receptor_type?: number;
    /** The recorder that sees the weights. */
    weight_recorder?: NodeReference;
    /** The optimizer and its parameters. */
    optimizer?: OptimizerParams;
    /** Time constant of the eligibility trace's low-pass filter; by default that of the network's readouts (ms). Default 10. */
    tau_m_readout?: number;
    /** Divide an interval's gradient by the learning window. Default false. */
    average_gradient?: boolean;
    /** Stop a weight at zero where an update would change its sign; rewired connections keep their source. Default false. */
    keeps_sign?: boolean;
    /** Which connections there are: the same, others in place of those whose weight reaches zero, or those with a weight above a threshold. Default none. */
    rewiring?: "none" | "deep_r" | "prune";
    /** Pull of weights to zero, times the learning rate, in an update (deep_r). Default 0.0001. */
    rewiring_l1?: number;
    /** Temperature of the random walk of weights (deep_r). Default 0. */
    rewiring_temperature?: number;
    /** Connections go whose weight is not larger than this after an update (prune). Default 0.01. */
    rewiring_threshold?: number;
  };
  /** a plastic synapse whose weight changes at every presynaptic spike. */
  eprop_synapse: {
    /** Weight. Default 1. */
    weight?: number;
    /** Delay (ms). Default 1. */
    delay?: number;
    /** Receptor that is reached. Default 0. */
    receptor_type?: number;
    /** The recorder that sees the weights. */
    weight_recorder?: NodeReference;
    /** The optimizer and its parameters. */
    optimizer?: OptimizerParams;
  };
  /** carries the learning signal where weights change once an update interval. */
  eprop_learning_signal_connection_bsshslm_2020: {
    /** Weight. Default 1. */
    weight?: number;
    /** Delay (ms). Default 1. */
    delay?: number;
    /** Receptor that is reached. Default 0. */
    receptor_type?: number;
    /** The recorder that sees the weights. */
    weight_recorder?: NodeReference;
    /** Where the weights of the learning signals come from. Default random. */
    feedback?: "random" | "symmetric" | "adaptive";
    /** Share of feedback weights, and of the readouts' weights, that is lost in an update (adaptive). Default 0.001. */
    feedback_decay?: number;
  };
  /** carries the learning signal where weights change at every presynaptic spike. */
  eprop_learning_signal_connection: {
    /** Weight. Default 1. */
    weight?: number;
    /** Delay (ms). Default 1. */
    delay?: number;
    /** Receptor that is reached. Default 0. */
    receptor_type?: number;
    /** The recorder that sees the weights. */
    weight_recorder?: NodeReference;
  };
  /** carries a rate: a target, a learning window, or what normalizes readouts. */
  rate_connection_delayed: {
    /** Weight. Default 1. */
    weight?: number;
    /** Delay (ms). Default 1. */
    delay?: number;
    /** Receptor that is reached. Default 0. */
    receptor_type?: number;
    /** The recorder that sees the weights. */
    weight_recorder?: NodeReference;
  };
}

/** Settable kernel parameters. */
export interface KernelParams {
  /** Length of a step (ms). Default 0.1. */
  resolution?: number;
  /** Time between updates of weights (ms). Default 1000. */
  eprop_update_interval?: number;
  /** Last part of the interval, in which errors count (ms). Default 1000. */
  eprop_learning_window?: number;
  /** Neurons start each interval afresh. Default true. */
  eprop_reset_neurons_on_update?: boolean;
  /** Threads a simulation may use, of those of the process. Default 1. */
  local_num_threads?: number;
  /** Accepted for NEST's scripts; changes no number. Default 1. */
  total_num_virtual_procs?: number;
  /** Seed of the kernel's random generator. Default 143202461. */
  rng_seed?: number;
  /** Form in which the gradient of an interval is computed. Default adjoint. */
  gradient?: "adjoint" | "forward";
  /** Precision of neurons and gradients where weights change once an interval (all else: f64). Default f64. */
  precision?: "f64" | "f32";
  /** Memory a simulation may take, by computing histories again that do not fit; 0 for what there is (bytes). Default 0. */
  memory_limit?: number;
  /** Norm that the gradient of an update is scaled down to where it is larger; 0 for never (weights that change once an interval). Default 0. */
  clip_norm?: number;
  /** Accepted for NEST's scripts. Default false. */
  print_time?: boolean;
  /** Whether recorders may replace files. Default false. */
  overwrite_files?: boolean;
  /** Folder for recorders' files. */
  data_path?: string;
  /** Beginning of the names of recorders' files. */
  data_prefix?: string;
}

/** Kernel parameters as they are read. */
export interface KernelStatus extends Required<KernelParams> {
  /** Shortest delay of the connections (ms). Default 0.1. */
  min_delay: number;
  /** Longest delay of the connections (ms). Default 0.1. */
  max_delay: number;
  /** Time simulated so far (ms). Default 0. */
  biological_time: number;
  /** Number of nodes. Default 0. */
  network_size: number;
  /** Number of connections. Default 0. */
  num_connections: number;
}
