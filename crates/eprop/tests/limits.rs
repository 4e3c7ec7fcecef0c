//! Times at the ends of what is allowed.

use eprop::tables::value::Params;
use eprop::{Dict, Kernel, RunControl, Value};

#[test]
fn an_interval_of_less_than_a_step_is_refused() {
    for name in ["eprop_update_interval", "eprop_learning_window"] {
        let mut kernel = Kernel::new();
        let error = kernel.set(&Dict::new().with(name, 1e-20)).expect_err("it has no step");
        assert_eq!(error.parameter.as_deref(), Some(name));
        assert!(error.to_string().contains("whole number of steps"), "{error}");
    }
}

#[test]
fn spikes_beyond_all_time_are_never_sent() {
    let mut kernel = Kernel::new();
    let values = Dict::new().with("spike_times", vec![1.0, 2.0]).with("origin", 1e300);
    let generator = kernel.create("spike_generator", 1.0, &Params::Shared(values)).unwrap();
    let recorder = kernel.create("spike_recorder", 1.0, &Params::None).unwrap();
    kernel.connect(&[generator], &[recorder], &Dict::new(), &Dict::new()).unwrap();
    kernel.simulate(5.0, &RunControl::default()).unwrap();
    assert_eq!(kernel.event_count(recorder).unwrap(), 0);
}

#[test]
fn batches_that_cannot_be_counted_are_refused() {
    let mut kernel = Kernel::new();
    let values = Dict::new().with("optimizer", Value::Dict(Dict::new().with("batch_size", 1e300)));
    let error = kernel.set_defaults("eprop_synapse_bsshslm_2020", &values).expect_err("too many");
    assert_eq!(error.parameter.as_deref(), Some("batch_size"));
}

#[test]
fn neurons_that_should_fire_without_end_are_estimated_to_fire_in_every_step() {
    for rule in ["_bsshslm_2020", ""] {
        let mut kernel = Kernel::new();
        let values = Params::Shared(Dict::new().with("f_target", 1e300));
        let neurons = kernel.create(&format!("eprop_iaf{rule}"), 3.0, &values).unwrap();
        kernel.create(&format!("eprop_readout{rule}"), 1.0, &Params::None).unwrap();
        let recorder = kernel.create("spike_recorder", 1.0, &Params::None).unwrap();
        kernel.connect(&[neurons], &[recorder], &Dict::new(), &Dict::new()).unwrap();
        let small = kernel.memory_for(10.0).unwrap().total;
        assert!(small < 100 << 20, "{small} bytes for three neurons");
    }
}
