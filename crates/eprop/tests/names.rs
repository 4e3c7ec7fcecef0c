//! What errors say of parameters that a model does not have.

use eprop::tables::value::Params;
use eprop::{Dict, Kernel};

fn bound(model: &str, name: &str) -> String {
    let values = Dict::new().with(name, 1.0);
    let refused = Kernel::new().set_defaults(model, &values).unwrap_err();
    refused.bound.unwrap_or_default().into()
}

#[test]
fn a_parameter_of_the_other_rule_is_said_to_be_its() {
    let of_iaf = bound("eprop_iaf", "learns_bias");
    assert!(
        of_iaf.starts_with("one of ") && of_iaf.ends_with("; the model eprop_iaf_bsshslm_2020 has it"),
        "{of_iaf}"
    );
    let of_synapse = bound("eprop_synapse", "rewiring");
    assert!(of_synapse.ends_with("; the model eprop_synapse_bsshslm_2020 has it"), "{of_synapse}");
    let of_interval = bound("eprop_iaf_bsshslm_2020", "kappa");
    assert!(of_interval.ends_with("; the model eprop_iaf has it"), "{of_interval}");
}

#[test]
fn a_parameter_within_another_is_named_with_it() {
    assert_eq!(bound("eprop_synapse_bsshslm_2020", "c_l2"), "did you mean optimizer.c_l2?");
}

#[test]
fn a_name_is_suggested_where_most_of_it_is_right() {
    assert_eq!(bound("eprop_iaf_bsshslm_2020", "tau_mem"), "did you mean tau_m?");
    assert_eq!(bound("eprop_iaf_bsshslm_2020", "vth"), "did you mean V_th?");
    let far = bound("eprop_iaf_bsshslm_2020", "c_l2");
    assert!(far.starts_with("one of "), "{far}");
    let refused =
        Kernel::new().create("eprop_iaf", 1.0, &Params::Shared(Dict::new().with("learns_bias", true)));
    assert!(refused.unwrap_err().bound.unwrap_or_default().contains("eprop_iaf_bsshslm_2020"));
}
