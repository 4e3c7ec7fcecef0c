"""Rules, values and lists of connections."""

import json

import nest

nest.ResetKernel()
nest.set(resolution=0.1, rng_seed=3)
a = nest.Create("eprop_iaf", 4)
b = nest.Create("eprop_iaf", 3)
nest.Connect(a, b, {"rule": "fixed_total_number", "N": 5}, {"weight": nest.random.normal(0.0, 1.0)})
nest.Connect(b, b, {"rule": "all_to_all", "allow_autapses": False}, {"weight": 0.5, "delay": 1.04})
nest.Connect(a[::2], b[:2], "one_to_one", {"synapse_model": "static_synapse_hom_w"})
nest.Disconnect(b[0], b[1])
conns = nest.GetConnections(b, b)
conns.set([{"weight": float(place)} for place in range(len(conns))])

codes = []
for refused in [
    lambda: nest.Create("eprop_iaf", 1, {"foo": 1.0}),
    lambda: nest.Create("no_model"),
    lambda: nest.CopyModel("parrot_neuron", "parrot_neuron"),
    lambda: nest.Connect(nest.NodeCollection([]), a),
    lambda: a + a[:1],
    lambda: nest.Connect(a, b, {"rule": "all_to_all", "make_symmetric": True}),
    lambda: nest.Connect(a, b, {"rule": "fixed_total_number", "N": 5, "allow_multapses": False}),
    lambda: nest.Connect(a, b, "all_to_all", {"delay": 0.01}),
    lambda: nest.set(biological_time=5.0),
    nest.Cleanup,
]:
    try:
        refused()
        codes.append("none")
    except Exception as error:
        codes.append(type(error).__name__)

found = nest.GetConnections(synapse_model="static_synapse").get(["source", "target", "weight", "delay"])
print(
    json.dumps(
        {
            "connections": sorted(zip(*(list(column) for column in found.values()))),
            "number": nest.num_connections,
            "delays": [nest.min_delay, nest.max_delay],
            "codes": codes,
        }
    )
)
