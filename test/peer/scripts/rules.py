"""Rules with weights and delays of each shape."""

import json
from functools import partial

import nest
import numpy as np
from _connected import connected

RULES = [
    ("one_to_one", 3, 3, [{"weight": [1.0, 2.0, 3.0], "delay": [1.0, 2.0, 3.0]}, {"weight": 2}]),
    ("all_to_all", 3, 2, [{"weight": np.arange(6.0).reshape(2, 3)}, {"delay": np.arange(1.0, 7.0).reshape(2, 3)}]),
    ({"rule": "all_to_all", "allow_autapses": False}, 3, 0, [{"weight": 1.5}]),
    ({"rule": "fixed_indegree", "indegree": 2}, 4, 3, [{"weight": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]}, {"delay": 2.26}]),
    ({"rule": "fixed_outdegree", "outdegree": 2}, 3, 4, [{"weight": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]}]),
    ({"rule": "fixed_indegree", "indegree": 3, "allow_multapses": False}, 5, 2, [{"weight": 1.0}]),
    ({"rule": "fixed_outdegree", "outdegree": 2, "allow_autapses": False}, 4, 0, [{"weight": 1.0}]),
    ({"rule": "fixed_total_number", "N": 6}, 3, 3, [{"weight": 0.5}]),
    ({"rule": "pairwise_bernoulli", "p": 0.4}, 5, 5, [{"weight": -1.0}]),
    ({"rule": "pairwise_bernoulli", "p": 0.4, "allow_autapses": False}, 5, 0, [{"weight": -1.0}]),
    ({"rule": "one_to_one", "make_symmetric": True}, 3, 3, [{"weight": 2.0}]),
]


connect = partial(connected, "eprop_iaf", 17, ["source", "target", "weight", "delay"])
refused = [
    ("one_to_one", 3, 2, {}),
    ("no_rule", 3, 2, {}),
    ({"rule": "fixed_indegree", "indegree": 4, "allow_multapses": False}, 3, 2, {}),
    ({"rule": "pairwise_bernoulli", "p": 1.5}, 3, 2, {}),
    ("all_to_all", 3, 2, {"synapse_model": "no_synapse"}),
    ("all_to_all", 3, 2, {"delay": -1.0}),
    ("all_to_all", 3, 2, {"foo": -1.0}),
]
print(
    json.dumps(
        {
            "made": [connect(rule, n, m, synapse) for rule, n, m, synapses in RULES for synapse in synapses],
            "refused": [connect(*each) for each in refused],
        }
    )
)
