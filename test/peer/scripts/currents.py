"""Currents of generators: delays, weights, times, and what changes between two simulations."""

import json

import nest

NEURON = {"C_m": 2.0, "E_L": 0.0, "V_m": 0.0, "tau_m": 5.0}
MODELS = {
    "eprop_iaf_bsshslm_2020": {"V_th": 4.0, "t_ref": 2.0, "I_e": 0.25},
    "eprop_iaf_adapt_bsshslm_2020": {"V_th": 2.0, "adapt_beta": 0.2},
    "eprop_readout_bsshslm_2020": {"I_e": -0.5},
    "eprop_iaf": {"V_th": 3.0, "t_ref": 1.0},
    "eprop_iaf_adapt": {"V_th": 3.0},
    "eprop_iaf_psc_delta": {"V_th": 3.0, "V_reset": -1.0, "t_ref": 3.0, "I_e": 0.5},
    "eprop_readout": {"I_e": 0.5},
}


def run(model, resolution):
    nest.ResetKernel()
    nest.set(resolution=resolution, eprop_update_interval=20.0, eprop_learning_window=20.0)
    nest.eprop_reset_neurons_on_update = True
    early = nest.Create("dc_generator", 1, {"amplitude": 1.5, "start": 3.0, "stop": 40.0})
    neurons = nest.Create(model, 2, {**NEURON, **MODELS[model]})
    steps = nest.Create(
        "step_current_generator",
        {"amplitude_times": [2.0, 6.0, 11.0, 30.0], "amplitude_values": [1.0, -2.0, 4.0, 0.5], "stop": 50.0},
    )
    sine = nest.Create("ac_generator", {"amplitude": 2.0, "frequency": 40.0, "phase": 30.0, "offset": 0.5})
    meter = nest.Create("multimeter", {"record_from": ["V_m"], "interval": resolution})
    currents = nest.Create("multimeter", {"record_from": ["I"], "interval": resolution})
    nest.Connect(early, neurons, "all_to_all", {"weight": [[1.0], [0.5]], "delay": 1.0})
    nest.Connect(early, neurons[1], "all_to_all", {"weight": 2.0, "delay": 4.0})
    nest.Connect(steps, neurons, "all_to_all", {"delay": 2.0})
    nest.Connect(sine, neurons[0])
    at_once = {"delay": resolution}
    nest.Connect(meter, neurons, "all_to_all", at_once)
    nest.Connect(currents, early + steps + sine, "all_to_all", at_once)
    nest.Simulate(9.0)
    early.amplitude = 3.0
    nest.GetConnections(early, neurons[1]).weight = -0.75
    nest.Simulate(8.0)
    steps.set(amplitude_times=[12.0, 21.0, 26.0], amplitude_values=[9.0, 2.0, 6.0])
    late = nest.Create("step_current_generator", {"amplitude_times": [4.0, 28.0], "amplitude_values": [5.0, 1.0]})
    nest.Connect(late, neurons, "all_to_all", {"delay": 3.0})
    nest.Simulate(17.0)
    sine.set(frequency=100.0, start=40.0)
    nest.Simulate(20.0)
    return {
        "V_m": list(meter.events["V_m"]),
        "I": sorted(zip(*(currents.events[name].tolist() for name in ["senders", "times", "I"]))),
    }


codes = []
for refused in [
    lambda: nest.Connect(nest.Create("dc_generator"), nest.Create("parrot_neuron")),
    lambda: nest.Connect(nest.Create("dc_generator"), nest.Create("eprop_iaf"), "all_to_all", "eprop_synapse"),
    lambda: nest.Create("noise_generator", 1, {"std": -1.0}),
    lambda: nest.Create("noise_generator", 1, {"std": 0.5, "std_mod": 1.0}),
    lambda: nest.Create("step_current_generator", 1, {"amplitude_times": [1.0]}),
    lambda: nest.Create("step_current_generator", 1, {"amplitude_times": [1.03], "amplitude_values": [1.0]}),
    lambda: nest.Create("inhomogeneous_poisson_generator", 1, {"rate_times": [2.0, 1.0], "rate_values": [1.0, 1.0]}),
]:
    nest.ResetKernel()
    try:
        refused()
        codes.append("none")
    except Exception as error:
        codes.append(type(error).__name__)
print(json.dumps({"codes": codes, **{f"{model}, {step} ms": run(model, step) for model in MODELS for step in (1.0, 0.5)}}))
