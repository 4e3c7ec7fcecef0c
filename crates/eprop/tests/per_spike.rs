//! e-prop+ held against its definition, computed here from what a network recorded.

use eprop::base::control::RunControl;
use eprop::base::error::ErrorCode;
use eprop::describe::connections::ConnectionFilter;
use eprop::record::{EventColumn, Events};
use eprop::tables::value::Params;
use eprop::{Dict, Kernel};

fn create(kernel: &mut Kernel, model: &str, params: Dict) -> [u32; 1] {
    [kernel.create(model, 1.0, &Params::Shared(params)).unwrap()]
}

fn column(events: &Events, name: &str) -> Vec<f64> {
    events
        .columns
        .iter()
        .find_map(|(column, values)| match values {
            EventColumn::Floats(values) if *column == name => Some(values.clone()),
            _ => None,
        })
        .unwrap()
}

/// A row that is silent for far longer than the history is kept learns from the whole window all the same.
#[test]
fn silence_longer_than_the_history_loses_nothing() {
    for (each_step, silence) in [(false, 300), (false, 5000), (true, 2000)] {
        let mut kernel = Kernel::new();
        kernel.set(&Dict::new().with("resolution", 1.0)).unwrap();
        let (first, second) = (10, 10 + silence);
        let spike_times = vec![f64::from(first), f64::from(second)];
        let input = create(&mut kernel, "spike_generator", Dict::new().with("spike_times", spike_times));
        let (tau, kappa) = (30.0, 0.97);
        let membrane =
            |tau: f64| Dict::new().with("C_m", 1.0).with("E_L", 0.0).with("V_m", 0.0).with("tau_m", tau);
        let neuron = membrane(tau)
            .with("I_e", 0.04)
            .with("V_th", 1.0)
            .with("t_ref", 0.0)
            .with("c_reg", 0.0)
            .with("kappa", kappa)
            .with("surrogate_gradient_width", 2.0);
        let rec = create(&mut kernel, "eprop_iaf", neuron);
        let out = create(&mut kernel, "eprop_readout", membrane(20.0).with("I_e", 0.01));
        let open =
            |value: f64| Dict::new().with("amplitude_times", vec![1.0]).with("amplitude_values", vec![value]);
        let target = create(&mut kernel, "step_rate_generator", open(0.1));
        let window = create(&mut kernel, "step_rate_generator", open(1.0));
        let eta = 1e-3;
        let optimizer = Dict::new()
            .with("type", "gradient_descent")
            .with("eta", eta)
            .with("optimize_each_step", each_step)
            .with("Wmin", -1e6)
            .with("Wmax", 1e6);
        kernel.set_defaults("eprop_synapse", &Dict::new().with("optimizer", optimizer)).unwrap();
        let rule = Dict::new().with("rule", "all_to_all");
        let synapse = |model: &str| Dict::new().with("synapse_model", model).with("delay", 1.0);
        let (before, feedback) = (0.3, 0.7);
        for (from, to, synapse) in [
            (input, rec, synapse("eprop_synapse").with("weight", before)),
            (out, rec, synapse("eprop_learning_signal_connection").with("weight", feedback)),
            (target, out, synapse("rate_connection_delayed").with("receptor_type", 2.0)),
            (window, out, synapse("rate_connection_delayed").with("receptor_type", 1.0)),
        ] {
            kernel.connect(&from, &to, &rule, &synapse).unwrap();
        }
        let recorded = |quantity: &'static str| {
            let names: &[&str] = &[quantity];
            Dict::new().with("record_from", names).with("interval", 1.0)
        };
        let surrogate = create(&mut kernel, "multimeter", recorded("surrogate_gradient"));
        let error = create(&mut kernel, "multimeter", recorded("error_signal"));
        kernel.connect(&surrogate, &rec, &rule, &Dict::new()).unwrap();
        kernel.connect(&error, &out, &rule, &Dict::new()).unwrap();
        kernel.simulate(f64::from(second + 5), &RunControl::default()).unwrap();

        // Row `u` of a record belongs to step `u`; the error of a step is the learning signal of the step before.
        let psi = column(&kernel.events(surrogate[0]).unwrap(), "surrogate_gradient");
        let error = column(&kernel.events(error[0]).unwrap(), "error_signal");
        let decay = (-1.0 / tau).exp();
        let (mut filtered, mut eligibility, mut gradient) = (0.0, 0.0, 0.0);
        for step in first as usize - 1..second as usize - 1 {
            filtered = decay * filtered + f64::from(u8::from(step == first as usize));
            eligibility = kappa * eligibility + psi[step] * filtered;
            gradient += feedback * error[step + 1] * eligibility;
        }
        let filter = ConnectionFilter {
            sources: Some(input.to_vec()),
            targets: Some(rec.to_vec()),
            synapse_model: None,
        };
        let after = kernel.get_connections(&filter).unwrap().weight[0];
        let expected = before - eta * gradient;
        assert!(gradient.abs() > 1e-3, "nothing was to be learned");
        assert!(
            (after - expected).abs() <= 1e-12 * gradient.abs().max(1.0),
            "each step {each_step}, silence {silence}: weight {after}, expected {expected}"
        );
    }
}

/// Weights onto readouts with these time constants, all driven by one input whose silence is longer than the cutoff.
fn weights_onto_readouts(time_constants: &[f64]) -> Vec<f64> {
    let mut kernel = Kernel::new();
    kernel.set(&Dict::new().with("resolution", 1.0)).unwrap();
    let spike_times = vec![10.0, 80.0, 110.0];
    let input = create(&mut kernel, "spike_generator", Dict::new().with("spike_times", spike_times));
    let open =
        |value: f64| Dict::new().with("amplitude_times", vec![1.0]).with("amplitude_values", vec![value]);
    let target = create(&mut kernel, "step_rate_generator", open(0.5));
    let window = create(&mut kernel, "step_rate_generator", open(1.0));
    let optimizer = Dict::new()
        .with("type", "gradient_descent")
        .with("eta", 1e-2)
        .with("optimize_each_step", false)
        .with("Wmin", -1e6)
        .with("Wmax", 1e6);
    kernel.set_defaults("eprop_synapse", &Dict::new().with("optimizer", optimizer)).unwrap();
    let rule = Dict::new().with("rule", "all_to_all");
    let readouts: Vec<u32> = time_constants
        .iter()
        .flat_map(|tau_m| {
            let params = Dict::new().with("C_m", 1.0).with("E_L", 0.0).with("V_m", 0.0);
            let params = params.with("tau_m", *tau_m).with("eprop_isi_trace_cutoff", 20.0);
            create(&mut kernel, "eprop_readout", params)
        })
        .collect();
    let synapse = Dict::new().with("synapse_model", "eprop_synapse").with("weight", 0.3).with("delay", 1.0);
    kernel.connect(&input, &readouts, &rule, &synapse).unwrap();
    let rate = Dict::new().with("synapse_model", "rate_connection_delayed").with("delay", 1.0);
    for (generator, receptor) in [(window, 1.0), (target, 2.0)] {
        let rate = rate.clone().with("receptor_type", receptor);
        kernel.connect(&generator, &readouts, &rule, &rate).unwrap();
    }
    kernel.simulate(120.0, &RunControl::default()).unwrap();
    let filter =
        ConnectionFilter { sources: Some(input.to_vec()), targets: Some(readouts), synapse_model: None };
    kernel.get_connections(&filter).unwrap().weight
}

/// Beyond the cutoff, what a readout filters decays at that readout's own rate.
#[test]
fn readouts_learn_alike_alone_and_beside_others() {
    let alone: Vec<f64> = [10.0, 40.0].iter().flat_map(|tau_m| weights_onto_readouts(&[*tau_m])).collect();
    assert!(alone[0] != 0.3 && alone[0] != alone[1]);
    assert_eq!(weights_onto_readouts(&[10.0, 40.0]), alone);
}

/// Neurons that one input drives, and what they learn from: the constant error of a readout.
struct Driven {
    kernel: Kernel,
    input: [u32; 1],
    neurons: Vec<u32>,
}

impl Driven {
    fn new(count: usize, spike_times: Vec<f64>, current: f64, optimizer: &Dict) -> Self {
        let mut kernel = Kernel::new();
        kernel.set(&Dict::new().with("resolution", 1.0)).unwrap();
        let input = create(&mut kernel, "spike_generator", Dict::new().with("spike_times", spike_times));
        let membrane = Dict::new().with("C_m", 1.0).with("E_L", 0.0).with("V_m", 0.0).with("tau_m", 30.0);
        let neuron = membrane
            .clone()
            .with("I_e", current)
            .with("V_th", 1.0)
            .with("kappa", 0.97)
            .with("eprop_isi_trace_cutoff", 1e5)
            .with("surrogate_gradient_width", 2.0);
        let neurons: Vec<u32> =
            (0..count).flat_map(|_| create(&mut kernel, "eprop_iaf", neuron.clone())).collect();
        let out = create(&mut kernel, "eprop_readout", membrane.with("I_e", 0.01));
        let window = Dict::new().with("amplitude_times", vec![1.0]).with("amplitude_values", vec![1.0]);
        let window = create(&mut kernel, "step_rate_generator", window);
        kernel.set_defaults("eprop_synapse", &Dict::new().with("optimizer", optimizer.clone())).unwrap();
        let rule = Dict::new().with("rule", "all_to_all");
        let synapse = |model: &str| Dict::new().with("synapse_model", model).with("delay", 1.0);
        kernel.connect(&input, &neurons, &rule, &synapse("eprop_synapse").with("weight", 0.3)).unwrap();
        let feedback = synapse("eprop_learning_signal_connection").with("weight", 0.7);
        kernel.connect(&out, &neurons, &rule, &feedback).unwrap();
        let rate = synapse("rate_connection_delayed").with("receptor_type", 1.0);
        kernel.connect(&window, &out, &rule, &rate).unwrap();
        Self { kernel, input, neurons }
    }

    fn simulate(&mut self, ms: f64) {
        self.kernel.simulate(ms, &RunControl::default()).unwrap();
    }

    /// From the input onto each neuron.
    fn weights(self) -> Vec<f64> {
        let filter = ConnectionFilter {
            sources: Some(self.input.to_vec()),
            targets: Some(self.neurons),
            synapse_model: None,
        };
        self.kernel.get_connections(&filter).unwrap().weight
    }
}

/// Weights from one input onto two neurons that learned in a long silence, with a call of the optimizer in each step. The
/// second neuron is changed while the input is silent.
fn weights_after_silence(change: &Dict) -> Vec<f64> {
    let optimizer = Dict::new().with("type", "adam").with("eta", 1e-3).with("optimize_each_step", true);
    let mut driven = Driven::new(2, vec![10.0, 2010.0], 0.04, &optimizer);
    // The history is shorter than this, so that the row has been caught up.
    driven.simulate(1500.0);
    driven.kernel.set_nodes(&driven.neurons[1..], &Params::Shared(change.clone())).unwrap();
    driven.simulate(520.0);
    driven.weights()
}

/// What a row has learned in its silence is not lost when the network is laid out anew: in the same way, with its synapses
/// in two parts, or with traces that differ by target.
#[test]
fn weights_that_were_caught_up_outlive_a_change_of_parameters() {
    let unchanged = weights_after_silence(&Dict::new());
    assert!((unchanged[0] - 0.3).abs() > 1e-3, "nothing was to be learned");
    for change in [Dict::new().with("kappa", 0.97), Dict::new().with("eprop_isi_trace_cutoff", 2e5)] {
        assert_eq!(weights_after_silence(&change), unchanged);
    }
    let others = weights_after_silence(&Dict::new().with("tau_m", 31.0));
    assert_eq!(others[0], unchanged[0]);
}

/// Weights from an input onto neurons whose cutoffs (ms) are set again and again, each time for all of them.
fn weights_after_cutoffs(cutoffs: &[Vec<f64>], optimizer: &Dict) -> Vec<f64> {
    let spike_times = [2, 21, 64, 66, 110, 140].map(f64::from).to_vec();
    let mut driven = Driven::new(cutoffs[0].len(), spike_times, 0.03, optimizer);
    for cutoffs in cutoffs {
        let cutoffs: Vec<Dict> =
            cutoffs.iter().map(|cutoff| Dict::new().with("eprop_isi_trace_cutoff", *cutoff)).collect();
        driven.kernel.set_nodes(&driven.neurons, &Params::PerNode(cutoffs)).unwrap();
        // States of every moment can be restored.
        driven.kernel = Kernel::restored(driven.kernel.state().unwrap()).unwrap();
        driven.simulate(30.0);
    }
    driven.simulate(30.0);
    driven.weights()
}

/// Cutoffs that become equal do not make of neurons what they have not been: each learns as it does alone.
#[test]
fn neurons_learn_as_they_do_alone_whatever_cutoffs_others_have_had() {
    let each: [[f64; 4]; 5] = [
        [40.0, 16.0, 4.0, 2.0],
        [26.0, 26.0, 26.0, 26.0],
        [5.0, 5.0, 35.0, 12.0],
        [35.0, 12.0, 12.0, 35.0],
        [30.0, 30.0, 30.0, 30.0],
    ];
    for (method, each_step, batch_size) in
        [("adam", true, 1.0), ("adam", true, 3.0), ("adam", false, 1.0), ("gradient_descent", false, 2.0)]
    {
        let optimizer = Dict::new()
            .with("type", method)
            .with("eta", 1e-2)
            .with("optimize_each_step", each_step)
            .with("batch_size", batch_size);
        let all = weights_after_cutoffs(&each.map(|cutoffs| cutoffs.to_vec()), &optimizer);
        for (place, weight) in all.iter().enumerate() {
            let alone = weights_after_cutoffs(&each.map(|cutoffs| vec![cutoffs[place]]), &optimizer);
            assert!((alone[0] - 0.3).abs() > 1e-6, "nothing was learned");
            assert_eq!(*weight, alone[0], "{method}, {each_step}, {batch_size}: neuron {place}");
        }
    }
}

#[test]
fn optimize_each_step_stays_once_synapses_were_simulated() {
    let mut kernel = Kernel::new();
    let input = create(&mut kernel, "parrot_neuron", Dict::new());
    let neurons = create(&mut kernel, "eprop_iaf", Dict::new());
    let set = |kernel: &mut Kernel, each_step: bool| {
        let optimizer = Dict::new().with("optimize_each_step", each_step);
        kernel.set_defaults("eprop_synapse", &Dict::new().with("optimizer", optimizer))
    };
    let rule = Dict::new().with("rule", "all_to_all");
    let synapse = Dict::new().with("synapse_model", "eprop_synapse").with("delay", 0.1);
    kernel.connect(&input, &neurons, &rule, &synapse).unwrap();
    set(&mut kernel, false).unwrap();
    kernel.simulate(1.0, &RunControl::default()).unwrap();
    set(&mut kernel, false).unwrap();
    let error = set(&mut kernel, true).unwrap_err();
    assert_eq!(error.code, ErrorCode::BadProperty);
    assert_eq!(error.parameter.as_deref(), Some("optimizer.optimize_each_step"));
}
