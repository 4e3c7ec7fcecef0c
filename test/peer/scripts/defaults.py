"""Defaults, copies of models, and lists of connections that are read and set."""

import json

import nest

nest.ResetKernel()
nest.resolution = 1.0
nest.SetDefaults("eprop_iaf", {"tau_m": 12.0, "V_th": -50.0})
nest.CopyModel("eprop_iaf", "fast", {"tau_m": 5.0})
nest.CopyModel("fast", "faster", {"tau_m": 2.0})
nest.SetDefaults("fast", {"t_ref": 1.0})
nest.CopyModel("eprop_synapse", "slow_synapse", {"weight": 0.25, "optimizer": {"eta": 1e-3, "type": "gradient_descent"}})
nest.SetDefaults("static_synapse", {"delay": 2.0})
nodes = nest.Create("fast", 3)
others = nest.Create("faster", 2)
nest.Connect(nodes, others, "all_to_all", {"synapse_model": "slow_synapse", "delay": 1.0})
nest.Connect(others, nodes, "all_to_all", {"weight": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]})
connections = nest.GetConnections(others, nodes)
connections[::2].weight = 9.0
connections[1].set(weight=-1.0)
nest.GetConnections(nodes[0], others).set([{"weight": 0.5}, {"weight": 0.75}])
codes = []
for refused in [
    lambda: nest.SetDefaults("eprop_iaf", {"foo": 1.0}),
    lambda: nest.SetDefaults("no_model", {"tau_m": 1.0}),
    lambda: nest.SetDefaults("eprop_iaf", {"tau_m": -1.0}),
    lambda: nest.CopyModel("no_model", "new"),
    lambda: nest.CopyModel("eprop_iaf", "fast"),
    lambda: nest.GetDefaults("no_model"),
    lambda: connections.set(foo=1.0),
    lambda: connections.set(weight=[1.0, 2.0]),
    lambda: nest.GetConnections(synapse_model="no_model"),
]:
    try:
        refused()
        codes.append("none")
    except Exception as error:
        codes.append(type(error).__name__)
found = nest.GetConnections().get(["source", "target", "synapse_model", "weight", "delay"])
print(
    json.dumps(
        {
            "of nodes": [list(nodes.get("tau_m")), list(others.tau_m), list(nodes.t_ref), list(others.t_ref)],
            "defaults": [nest.GetDefaults("eprop_iaf", "tau_m"), nest.GetDefaults("faster", "tau_m"),
                         nest.GetDefaults("slow_synapse", "weight"), nest.GetDefaults("static_synapse", "delay")],
            "kinds": [nest.GetDefaults("fast", "element_type"), nest.GetDefaults("dc_generator", "element_type"),
                      nest.GetDefaults("multimeter", "element_type"), nest.GetDefaults("slow_synapse", "synapse_model")],
            "connections": sorted(zip(*(list(column) for column in found.values()))),
            "found": [len(nest.GetConnections(nodes)), len(nest.GetConnections(target=nodes[1:])),
                      len(nest.GetConnections(synapse_model="slow_synapse")), nest.num_connections],
            "there": ["faster" in nest.node_models, "slow_synapse" in nest.synapse_models],
            "in order": [model for model in nest.node_models if "eprop" in model or "fast" in model],
            "codes": codes,
        }
    )
)
