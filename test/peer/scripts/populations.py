"""Populations: parts of them, values of one and of all, and what is refused."""

import json

import nest
import numpy as np

nest.ResetKernel()
nest.resolution = 0.5
a = nest.Create("eprop_iaf", 5, {"V_m": [-1.0, -2.0, -3.0, -4.0, -5.0], "E_L": 0.0})
b = nest.Create("eprop_readout", 3, {"tau_m": 20.0})
c = nest.Create("parrot_neuron", 2)
a[1:3].tau_m = 15.0
a[-1].set(C_m=200.0, I_e=3)
a[[0, 2]].set([{"V_th": -50.0}, {"V_th": -45.0}])
a[::2].set({"t_ref": np.array([1.0, 2.0, 3.0])})
b.set(V_m=np.float64(2.0))
both = a[3:] + b
codes = []
for refused in [
    lambda: a[7],
    lambda: a[[0, 7]],
    lambda: a + a[2:3],
    lambda: a.set(V_th=[1.0, 2.0]),
    lambda: a.set(foo=1.0),
    lambda: a.set(tau_m=-1.0),
    lambda: nest.Create("eprop_iaf", 0),
    lambda: nest.Create("eprop_iaf", -1),
    lambda: nest.NodeCollection([5, 3]),
    lambda: nest.NodeCollection([1, 99]),
]:
    try:
        refused()
        codes.append("none")
    except Exception as error:
        codes.append(type(error).__name__)
print(
    json.dumps(
        {
            "tau_m": list(a.tau_m),
            "C_m": list(a.get("C_m")),
            "of one": a[-1].get("I_e"),
            "several": {name: list(values) for name, values in a.get(["V_th", "t_ref", "V_m"]).items()},
            "status": list(nest.GetStatus(b, "tau_m")),
            "ids": [both.tolist(), list(c.global_id), [node.global_id for node in a[:2]]],
            "models": [list(both.model), c[0].model],
            "sizes": [len(a), len(both), len(nest.GetNodes()), len(nest.GetNodes({"model": "eprop_iaf"}))],
            "same": [a[:2] == nest.NodeCollection([1, 2]), a[:2] == b[:2], 3 in a, 9 in a],
            "codes": codes,
        }
    )
)
