"""Records how NEST's Adam goes on from moments that were set for single synapses.

    python test/nest/record_moments.py > test/nest/moments.json

Needs NEST 3.10. `test/connections.test.ts` makes the same network.
"""

import json
import sys
import contextlib

with contextlib.redirect_stdout(sys.stderr):
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR

RULES = {
    "interval": ("eprop_iaf_bsshslm_2020", "eprop_readout_bsshslm_2020", "eprop_synapse_bsshslm_2020",
                 "eprop_learning_signal_connection_bsshslm_2020"),
    "plus": ("eprop_iaf", "eprop_readout", "eprop_synapse", "eprop_learning_signal_connection"),
}


def run(rule):
    neuron, readout, plastic, feedback = RULES[rule]
    nest.ResetKernel()
    nest.set(resolution=1.0, eprop_update_interval=50.0, eprop_learning_window=50.0)
    generators = nest.Create("spike_generator", 2)
    parrots = nest.Create("parrot_neuron", 2)
    common = {"C_m": 1.0, "E_L": 0.0, "V_m": 0.0, "tau_m": 20.0}
    neurons = nest.Create(neuron, 3, {**common, "V_th": 0.6, "t_ref": 0.0})
    readouts = nest.Create(readout, 1, common)
    target = nest.Create("step_rate_generator", 1, {"amplitude_times": [1.0], "amplitude_values": [1.0]})
    window = nest.Create("step_rate_generator", 1, {"amplitude_times": [1.0], "amplitude_values": [1.0]})
    generators.set([{"spike_times": [float(t) for t in range(3 + n, 201, 7)]} for n in range(2)])
    nest.SetDefaults(plastic, {"optimizer": {"type": "adam", "eta": 0.01, "batch_size": 1}})
    synapse = {"synapse_model": plastic, "delay": 1.0, **({"tau_m_readout": 20.0} if rule == "interval" else {})}
    nest.Connect(generators, parrots, "one_to_one")
    nest.Connect(parrots, neurons, "all_to_all", {**synapse, "weight": 0.5})
    nest.Connect(neurons, readouts, "all_to_all", {**synapse, "weight": 0.1})
    nest.Connect(readouts, neurons, "all_to_all", {"synapse_model": feedback, "delay": 1.0, "weight": 0.3})
    rate = {"synapse_model": "rate_connection_delayed", "delay": 1.0}
    nest.Connect(target, readouts, "all_to_all", {**rate, "receptor_type": 2})
    if rule == "plus":
        nest.Connect(window, readouts, "all_to_all", {**rate, "receptor_type": 1})
    conns = nest.GetConnections(parrots[0], neurons)
    conns.set([{"optimizer": {"m": 0.5, "v": 0.25}}, {"optimizer": {"m": -0.25}}, {"weight": 0.75, "optimizer": {"v": 0.125}}])
    before = conns.get("optimizer")
    nest.Simulate(190.0)
    every = nest.GetConnections(parrots, neurons)
    return {"before": before, "weight": every.get("weight"), "optimizer": every.get("optimizer")}


print(json.dumps({rule: run(rule) for rule in RULES}, indent=1))
