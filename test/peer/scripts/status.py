"""Values one by one (`GetStatus`, `SetStatus`), and a run in parts with currents, adaptation and recorders."""

import json

import nest


def plain(value):
    if isinstance(value, dict):
        return {name: plain(each) for name, each in sorted(value.items())}
    if hasattr(value, "tolist"):
        return value.tolist()
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


nest.ResetKernel()
nest.SetKernelStatus({"resolution": 0.5, "rng_seed": 7})
nest.SetDefaults("eprop_iaf_adapt", "adapt_beta", 2.0)
sine = nest.Create("ac_generator", params={"amplitude": 400.0, "frequency": 25.0, "offset": 300.0, "start": 5.0})
neurons = nest.Create("eprop_iaf_adapt", 4, params={"adapt_tau": 40.0})
parrots = nest.Create("parrot_neuron", 2)
neurons.V_m = nest.random.uniform(-70.0, -60.0)
neurons.set(I_e=[100.0, 200.0, 300.0, 400.0])
volts = nest.Create("voltmeter", params={"interval": 2.0, "time_in_steps": True})
meter = nest.Create("multimeter", params={"record_from": ["I"], "interval": 0.5})
spikes = nest.Create("spike_recorder")
spikes.set(start=20.0, stop=180.0, origin=0.0)
nest.Connect(sine, neurons, syn_spec={"weight": nest.random.normal(1.0, 0.1), "delay": 1.0})
nest.Connect(
    neurons,
    neurons,
    {"rule": "pairwise_bernoulli", "p": 0.5, "allow_autapses": False},
    {"weight": 20.0, "delay": nest.random.uniform(0.5, 3.0)},
)
nest.Connect(parrots, parrots, "one_to_one")
nest.Connect(volts, neurons)
nest.Connect(meter, sine)
nest.Connect(neurons, spikes)
nest.Prepare()
for _ in range(4):
    nest.Run(25.0)
nest.Cleanup()
first = nest.GetStatus(spikes, "n_events")
spikes.n_events = 0
neurons[1:3].I_e = 0.0
nest.SetStatus(neurons[:1], {"V_th": -50.0})
nest.SetStatus(neurons, "t_ref", [1.0, 1.5, 2.0, 2.5])
nest.SetStatus(neurons[2:], [{"C_m": 240.0}, {"C_m": 260.0}])
nest.Simulate(100.0)
loops = nest.GetConnections(parrots, parrots)
nest.SetStatus(loops, "weight", [3.0, 4.0])
weights = nest.GetStatus(loops, "weight")
nest.SetStatus(loops, {"weight": 5.0})
nest.SetStatus(loops[:1], [{"weight": 6.0}])
held = nest.GetStatus(spikes, "events")[0]
print(
    json.dumps(
        plain(
            {
                "first": first,
                "events": nest.GetStatus(spikes, ["n_events", "record_to"]),
                "spikes": sorted(zip(plain(held["times"]), plain(held["senders"]))),
                "volts": {name: each[-16:] for name, each in volts.events.items()},
                "current": nest.GetStatus(meter, "events")[0]["I"][:40],
                "values": nest.GetStatus(neurons + parrots, ["model", "V_th", "t_ref", "C_m", "I_e"]),
                "one": [nest.GetStatus(neurons[0], "C_m"), nest.GetStatus(neurons[:1], ["C_m", "model"])],
                "rows": [len(nest.GetStatus(neurons)), nest.GetStatus(parrots)[1]["global_id"]],
                "nothing": nest.GetStatus(nest.NodeCollection([]), "V_m"),
                "weights": [weights, nest.GetStatus(loops, ["source", "target", "weight"]), nest.GetStatus(loops)[1]["weight"]],
                "thresholds": neurons.V_th_adapt,
                "counted": [nest.local_spike_counter, nest.biological_time],
                "places": [3 in neurons, neurons.index(3), len(neurons[:2] + neurons[2:])],
            }
        )
    )
)
