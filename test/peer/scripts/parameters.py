"""Numbers that are drawn, what is computed of them, and several synapses for each pair."""

import json

import nest

random = nest.random
KINDS = {
    "affine": lambda: 1.0 - 2.0 * random.uniform() + 0.5,
    "quotient": lambda: 3.0 / (1.0 + random.uniform(0.0, 2.0)) - 1.0,
    "both": lambda: random.uniform() + random.normal() * random.exponential(),
    "power": lambda: random.uniform() ** 2 - random.lognormal() ** -1.0,
    "negative": lambda: -random.normal(1.0, 0.5),
    "exp": lambda: nest.math.exp(random.normal(0.0, 0.3)),
    "waves": lambda: nest.math.sin(random.normal()) + nest.math.cos(random.uniform()),
    "bounded": lambda: nest.math.max(nest.math.min(random.normal(), 0.5), -0.5),
    "redraw": lambda: nest.math.redraw(random.normal(), -0.5, 0.5),
    "redraw of a sum": lambda: nest.math.redraw(random.normal() + random.uniform(), 0.0, 0.7),
    "choice": lambda: nest.logic.conditional(random.uniform() < 0.4, random.normal(), 7.0),
    "whole": lambda: random.uniform_int(10) * 1.0,
}


def values(make):
    nest.ResetKernel()
    nest.rng_seed = 11
    nodes = nest.Create("eprop_iaf", 6, {"V_m": make()})
    nest.Connect(nodes[:3], nodes[3:], {"rule": "fixed_indegree", "indegree": 2}, {"weight": make()})
    nest.Connect(nodes, nodes, {"rule": "pairwise_bernoulli", "p": 0.3}, {"weight": make(), "delay": 2.0 + random.uniform()})
    found = nest.GetConnections().get(["source", "target", "weight", "delay"])
    return [list(nodes.V_m), sorted(zip(*(list(column) for column in found.values())))]


def collocated(rule, *synapses):
    nest.ResetKernel()
    nest.set(resolution=1.0, rng_seed=3)
    a, b = nest.Create("eprop_iaf", 4), nest.Create("eprop_iaf", 3)
    nest.Connect(a, b, rule, nest.CollocatedSynapses(*synapses))
    found = nest.GetConnections().get(["source", "target", "synapse_model", "weight", "delay"])
    return sorted(zip(*(list(column) for column in found.values())))


def code(call):
    try:
        call()
        return "none"
    except Exception as error:
        return type(error).__name__


def drawn():
    return {"weight": random.normal(0.0, 1.0), "delay": 1.0 + random.uniform(0.0, 3.0)}


def plastic():
    return {"synapse_model": "eprop_synapse", "delay": 1.0, "weight": random.uniform(0.0, 1.0)}


print(
    json.dumps(
        {
            "values": {name: values(make) for name, make in KINDS.items()},
            "collocated": [
                collocated("all_to_all", drawn(), plastic()),
                collocated("all_to_all", {"weight": 2.0}, plastic(), {"weight": -1.0, "delay": 3.0}),
                collocated({"rule": "fixed_indegree", "indegree": 2}, plastic(), drawn()),
                collocated({"rule": "fixed_outdegree", "outdegree": 2}, drawn(), {"weight": 0.5}),
                collocated({"rule": "fixed_total_number", "N": 7}, drawn(), plastic()),
                collocated({"rule": "pairwise_bernoulli", "p": 0.5}, {"weight": 0.5}, drawn()),
            ],
            "codes": [
                code(lambda: nest.Create("eprop_iaf", 1, {"V_m": nest.math.redraw(random.uniform(), 2.0, 3.0)})),
                code(lambda: nest.Connect(nest.Create("eprop_iaf", 2), nest.Create("eprop_iaf", 2), "all_to_all",
                                          {"weight": nest.math.redraw(random.uniform(), 2.0, 3.0)})),
            ],
        }
    )
)
