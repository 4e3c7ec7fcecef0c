"""What `get` gives: nodes of one model and of several, connections of several models; and what settles the resolution."""

import json

import nest


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__


# What NEST keeps in tables of its own, what models have here besides, and what is read in another unit.
OF_NEST = {"model_id", "port", "sizeof", "synapse_id", "stimulus_source"}
ELSEWHERE = {"Ca", "beta_Ca", "tau_Ca", "synaptic_elements", "archiver_length", "post_trace", "t_spike", "tau_minus", "tau_minus_triplet"}
OURS = {"c_voltage", "learns_bias", "bias_rate", "label_smoothing", "file_extension", "precision", "f_target"}


def plain(value):
    """A value as JSON has it; of events, the names of the columns."""
    if isinstance(value, dict):
        return sorted(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    return "inf" if value == float("inf") else value


def shown(values):
    left = OF_NEST | ELSEWHERE | OURS
    return {name: plain(value) for name, value in sorted(values.items()) if name not in left}


nest.ResetKernel()
nest.resolution = 1.0
neurons = nest.Create("eprop_iaf", 2)
others = nest.Create("eprop_iaf_bsshslm_2020", 1)
parrots = nest.Create("parrot_neuron", 2)
readouts = nest.Create("eprop_readout", 1)
recorder = nest.Create("spike_recorder")
meter = nest.Create("multimeter", {"interval": 2.0})
of_nodes = {
    "one": shown(neurons[0].get()),
    "two": shown(neurons.get()),
    "several models": shown((neurons + parrots).get()),
    "parrot": shown(parrots[1].get()),
    "readout": shown(readouts.get()),
    "recorders": shown((recorder + meter).get()),
    "generators": [
        shown(nest.Create(model).get())
        for model in ("spike_generator", "step_rate_generator", "dc_generator", "poisson_generator")
    ],
    "by name": [list((neurons + parrots).get("tau_m")), shown((parrots + others).get(["model", "V_th", "global_id"]))],
}
nest.Connect(parrots, neurons, "all_to_all", {"synapse_model": "eprop_synapse"})
nest.Connect(parrots, parrots[:1], "all_to_all", {"receptor_type": 1})
nest.Connect(readouts, neurons, "all_to_all", {"synapse_model": "eprop_learning_signal_connection"})
nest.Connect(parrots, others, "all_to_all", {"synapse_model": "eprop_synapse_bsshslm_2020", "tau_m_readout": 20.0})
everything = nest.GetConnections().get()
place = ["source", "target", "synapse_model"]
of_connections = sorted(
    zip(*(everything[name] for name in [*place, "delay", "receptor", "weight", "target_thread", "tau_m_readout"])),
)

RESOLUTION = {
    "nothing": lambda: None,
    "simulated": lambda: nest.Simulate(1.0),
    "node": lambda: nest.Create("parrot_neuron"),
    "delay": lambda: nest.SetDefaults("static_synapse", {"delay": 2.0}),
    "the same delay": lambda: nest.SetDefaults("static_synapse", {"delay": 1.0}),
    "time constant": lambda: nest.SetDefaults("eprop_iaf", {"tau_m": 12.0}),
    "optimizer": lambda: nest.SetDefaults("eprop_synapse", {"optimizer": {"eta": 1e-3}}),
    "copied neuron": lambda: nest.CopyModel("eprop_iaf", "mine"),
    "copied synapse": lambda: nest.CopyModel("static_synapse", "mine", {"weight": 2.0}),
    "refused": lambda: outcome(lambda: nest.SetDefaults("static_synapse", {"delay": -1.0})),
    "reset": lambda: (nest.SetDefaults("static_synapse", {"delay": 2.0}), nest.ResetKernel()),
}


def resolution_after(call, resolution):
    nest.ResetKernel()
    call()
    return outcome(lambda: (nest.set(resolution=resolution), nest.GetDefaults("static_synapse", "delay"))[1])


def default_times(resolution, update_interval):
    nest.ResetKernel()
    nest.set(resolution=resolution, eprop_update_interval=update_interval, eprop_learning_window=update_interval)
    nest.Connect(nest.Create("parrot_neuron"), nest.Create("parrot_neuron"))
    return [
        nest.GetDefaults("eprop_synapse", "delay"),
        nest.GetDefaults("noise_generator", "dt"),
        nest.GetConnections().get("delay"),
    ]


print(
    json.dumps(
        {
            "nodes": of_nodes,
            "connections": of_connections,
            "resolution": {
                name: [resolution_after(call, 0.5), resolution_after(call, 0.1)] for name, call in RESOLUTION.items()
            },
            "default times": [default_times(step, 210.0) for step in (0.05, 0.1, 0.25, 0.3, 0.7, 1.5, 2.0, 3.0)],
            "verbosity": [outcome(lambda: nest.set(verbosity="M_ERROR")), outcome(lambda: nest.set(verbosity="WARNING"))],
        },
        default=lambda number: number.item(),
    )
)
