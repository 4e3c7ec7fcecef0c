"""A small network learns by both rules; the moments of some synapses are set."""

import json

import nest
import numpy as np

RULES = {
    "interval": ("eprop_iaf_bsshslm_2020", "eprop_readout_bsshslm_2020", "eprop_synapse_bsshslm_2020",
                 "eprop_learning_signal_connection_bsshslm_2020"),
    "plus": ("eprop_iaf", "eprop_readout", "eprop_synapse", "eprop_learning_signal_connection"),
}


def run(rule):
    neuron, readout, plastic, feedback = RULES[rule]
    nest.ResetKernel()
    nest.set(resolution=1.0, eprop_update_interval=50.0, eprop_learning_window=50.0)
    generators = nest.Create("spike_generator", 3)
    parrots = nest.Create("parrot_neuron", 3)
    common = {"C_m": 1.0, "E_L": 0.0, "V_m": 0.0, "tau_m": 20.0}
    neurons = nest.Create(neuron, 4, {**common, "V_th": 0.6, "t_ref": 0.0})
    neurons.c_reg = 0.1
    readouts = nest.Create(readout, 1, common)
    step = {"amplitude_times": [1.0], "amplitude_values": [1.0]}
    target, window = nest.Create("step_rate_generator", 1, step), nest.Create("step_rate_generator", 1, step)
    meter = nest.Create("multimeter", {"record_from": ["readout_signal"], "interval": 1.0})
    spikes = nest.Create("spike_recorder")
    for place, generator in enumerate(generators):
        generator.set(spike_times=np.arange(3.0 + place, 300.0, 7.0))
    nest.SetDefaults(plastic, {"optimizer": {"type": "adam", "eta": 0.01, "batch_size": 1}})
    synapse = {"synapse_model": plastic, "delay": 1.0}
    if rule == "interval":
        synapse["tau_m_readout"] = 20.0
    all_to_all = {"rule": "all_to_all", "allow_autapses": False}
    nest.Connect(generators, parrots, "one_to_one")
    nest.Connect(parrots, neurons, all_to_all, {**synapse, "weight": np.linspace(0.2, 0.8, 12).reshape(4, 3)})
    nest.Connect(neurons, neurons, all_to_all, {**synapse, "weight": 0.05})
    nest.Connect(neurons, readouts, all_to_all, {**synapse, "weight": 0.1})
    nest.Connect(readouts, neurons, all_to_all, {"synapse_model": feedback, "delay": 1.0, "weight": 0.3})
    rate = {"synapse_model": "rate_connection_delayed", "delay": 1.0}
    nest.Connect(target, readouts, "all_to_all", {**rate, "receptor_type": 2})
    if rule == "plus":
        nest.Connect(window, readouts, "all_to_all", {**rate, "receptor_type": 1})
    nest.Connect(meter, readouts)
    nest.Connect(neurons, spikes)
    nest.GetConnections(neurons[0], neurons[1:3]).set([{"optimizer": {"m": 0.25, "v": 0.5}}] * 2)
    nest.Prepare()
    nest.Run(120.0)
    nest.Run(170.0)
    nest.Cleanup()
    return {
        "readout": list(meter.events["readout_signal"][:280]),
        "spikes": len(spikes.events["times"]),
        "weights": sorted(zip(*nest.GetConnections(parrots, neurons).get(["source", "target", "weight"]).values())),
    }


print(json.dumps({rule: run(rule) for rule in RULES}))
