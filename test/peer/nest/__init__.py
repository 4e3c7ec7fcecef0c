"""PyNEST's calls, answered by eprop: a translation that adds nothing. See README.md beside it."""

import atexit
import builtins
import itertools
import json
import pathlib
import subprocess
import sys
import types

import numpy as np

_server = subprocess.Popen(
    ["node", str(pathlib.Path(__file__).parent.parent / "server.mjs")],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    text=True,
)


@atexit.register
def _end():
    _server.stdin.close()
    _server.wait()


class NESTError(Exception):
    """What a refused call raises."""


class _Errors(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        error = type(name, (NESTError,), {})
        setattr(self, name, error)
        return error


NESTErrors = _Errors("NESTErrors")
NESTErrors.NESTError = NESTError


def _encoded(value):
    if isinstance(value, NodeCollection):
        return {"$nodes": value.tolist()}
    if isinstance(value, Parameter):
        return value.encoded()
    if isinstance(value, CollocatedSynapses):
        return {"$collocated": _encoded(value.syn_specs)}
    if isinstance(value, dict):
        return {name: _encoded(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray):
        return _encoded(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_encoded(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return {"$float": {np.inf: "Infinity", -np.inf: "-Infinity"}.get(value, "NaN")}
    return value


def _decoded(value):
    if isinstance(value, dict):
        if "$nodes" in value:
            return NodeCollection(value["$nodes"], True)
        if "$float" in value:
            return float(value["$float"])
        return {name: _decoded(entry) for name, entry in value.items()}
    return [_decoded(entry) for entry in value] if isinstance(value, list) else value


def _call(name, *args):
    _server.stdin.write(json.dumps({"call": name, "args": [_encoded(arg) for arg in args]}) + "\n")
    _server.stdin.flush()
    answer = json.loads(_server.stdout.readline())
    if "error" in answer:
        error = answer["error"]
        raise getattr(NESTErrors, error["code"])(error["message"])
    return _decoded(answer["result"])


def _merged(params, values):
    return {**(params or {}), **values}


class NodeCollection:
    """Nodes, ordered by id."""

    def __init__(self, ids=(), known=False):
        object.__setattr__(self, "_ids", [int(node) for node in ids])
        if not known:
            _call("NodeCollection", self._ids)

    def tolist(self):
        return list(self._ids)

    @property
    def global_id(self):
        return self._ids[0] if len(self) == 1 else tuple(self._ids)

    def __len__(self):
        return len(self._ids)

    def __iter__(self):
        return (NodeCollection([node], True) for node in self._ids)

    def __getitem__(self, key):
        if isinstance(key, slice):
            return NodeCollection(self._ids[key], True)
        if isinstance(key, (int, np.integer)):
            return NodeCollection([self._ids[key]], True)
        chosen = list(key)
        if chosen and isinstance(chosen[0], (bool, np.bool_)):
            return NodeCollection(itertools.compress(self._ids, chosen))
        return NodeCollection(self._ids[place] for place in chosen)

    def __contains__(self, node):
        return node in self._ids

    def index(self, node):
        return self._ids.index(node)

    def __add__(self, other):
        if builtins.set(self._ids) & builtins.set(other._ids):
            raise NESTErrors.BadProperty("Cannot join overlapping NodeCollections.")
        return NodeCollection(sorted(self._ids + other._ids), True)

    def __eq__(self, other):
        return isinstance(other, NodeCollection) and self._ids == other._ids

    def get(self, names=None):
        values = _call("nodesGet", self, names)
        if names in ("events", "spike_times") or (names is None and "events" in values):
            return _arrays(values)
        return tuple(values) if isinstance(values, list) and isinstance(names, str) and len(self) > 1 else values

    def set(self, params=None, **values):
        _call("nodesSet", self, params if isinstance(params, (list, tuple)) else _merged(params, values))

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self.get(name)
        except NESTError as error:
            raise AttributeError(str(error)) from error

    def __setattr__(self, name, value):
        self.set({name: value})


def _arrays(value):
    if isinstance(value, dict):
        return {name: _arrays(entry) for name, entry in value.items()}
    if not isinstance(value, list):
        return value
    numbers = all(isinstance(each, (int, float)) for each in value)
    return np.array(value) if numbers else [_arrays(each) for each in value]


class SynapseCollection:
    """Connections, ordered by source, then by target."""

    def __init__(self, found):
        self._number, self._length = found["number"], found["length"]

    def __len__(self):
        return self._length

    def __getitem__(self, key):
        if not isinstance(key, slice):
            key = slice(key, key + 1 if key != -1 else None)
        begin, end, step = key.indices(self._length)
        return SynapseCollection(_call("connectionsSlice", self._number, begin, end, step))

    def get(self, names=None):
        values = _call("connectionsGet", self._number, names)
        if self._length != 1:
            return values
        return {name: of[0] for name, of in values.items()} if isinstance(values, dict) else values[0]

    def set(self, params=None, **values):
        wanted = params if isinstance(params, (list, tuple)) else _merged(params, values)
        _call("connectionsSet", self._number, wanted)

    def disconnect(self):
        _call("connectionsDisconnect", self._number)

    def __iter__(self):
        return (self[place] for place in range(self._length))

    def __setattr__(self, name, value):
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            self.set({name: value})

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self.get(name)


class Parameter:
    """A distribution, or what is computed of some."""

    _made = itertools.count()

    def __init__(self, name, *operands, **params):
        self.id, self.name, self.operands, self.params = next(self._made), name, operands, params

    def encoded(self):
        if self.operands:
            return {"$computed": {"name": self.name, "operands": [_encoded(each) for each in self.operands]}}
        return {"$random": {"id": self.id, "name": self.name, "params": self.params}}

    def __add__(self, other):
        return Parameter("add", self, other)

    def __radd__(self, other):
        return Parameter("add", self, other)

    def __sub__(self, other):
        return Parameter("subtract", self, other)

    def __rsub__(self, other):
        return Parameter("subtract", other, self)

    def __neg__(self):
        return Parameter("multiply", self, -1.0)

    def __mul__(self, other):
        return Parameter("multiply", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return Parameter("divide", self, other)

    def __rtruediv__(self, other):
        return Parameter("divide", other, self)

    def __pow__(self, exponent):
        return Parameter("power", self, float(exponent))

    def __lt__(self, other):
        return Parameter("less", self, other)

    def __le__(self, other):
        return Parameter("less_or_equal", self, other)

    def __gt__(self, other):
        return Parameter("greater", self, other)

    def __ge__(self, other):
        return Parameter("greater_or_equal", self, other)


class CollocatedSynapses:
    """Several synapses for each pair of nodes."""

    def __init__(self, *syn_specs):
        self.syn_specs = list(syn_specs)


class math:
    """Functions of random numbers (`nest.math`)."""

    @staticmethod
    def exp(parameter):
        return Parameter("exp", parameter)

    @staticmethod
    def sin(parameter):
        return Parameter("sin", parameter)

    @staticmethod
    def cos(parameter):
        return Parameter("cos", parameter)

    @staticmethod
    def min(parameter, other):
        return Parameter("min", parameter, other)

    @staticmethod
    def max(parameter, other):
        return Parameter("max", parameter, other)

    @staticmethod
    def redraw(parameter, min, max):
        return Parameter("redraw", parameter, min, max)


class logic:
    """Choices by random numbers (`nest.logic`)."""

    @staticmethod
    def conditional(condition, if_true, if_false):
        return Parameter("conditional", condition, if_true, if_false)


class random:
    """Distributions (`nest.random`)."""

    @staticmethod
    def normal(mean=0.0, std=1.0):
        return Parameter("normal", mean=mean, std=std)

    @staticmethod
    def uniform(min=0.0, max=1.0):
        return Parameter("uniform", min=min, max=max)

    @staticmethod
    def lognormal(mean=0.0, std=1.0):
        return Parameter("lognormal", mean=mean, std=std)

    @staticmethod
    def exponential(beta=1.0):
        return Parameter("exponential", beta=beta)

    @staticmethod
    def uniform_int(max):
        return Parameter("uniform_int", max=max)


def ResetKernel():
    _call("ResetKernel")


def set(**values):
    _call("set", values)


def get(names=None):
    if isinstance(names, (list, tuple)):
        return tuple(_call("get", name) for name in names)
    return _call("get", names)


GetKernelStatus = get


def SetKernelStatus(values):
    _call("set", values)


def Create(model, n=1, params=None, positions=None):
    if positions is not None:
        raise NESTErrors.NotImplemented("nodes have no positions")
    if isinstance(n, dict):
        n, params = 1, n
    return _call("Create", model, n, params)


def GetNodes(properties=None, local_only=False):
    return _call("GetNodes", (properties or {}).get("model"))


def Connect(pre, post, conn_spec=None, syn_spec=None):
    _call("Connect", pre, post, conn_spec, syn_spec)


def Disconnect(pre, post, conn_spec="one_to_one", syn_spec="static_synapse"):
    _call("Disconnect", pre, post, conn_spec, syn_spec)


def GetConnections(source=None, target=None, synapse_model=None):
    return SynapseCollection(_call("GetConnections", source, target, synapse_model))


def SetDefaults(model, params, val=None):
    _call("SetDefaults", model, params, val)


def GetDefaults(model, keys=None):
    values = _call("GetDefaults", model)
    if keys is None:
        return values
    return values[keys] if isinstance(keys, str) else tuple(values[key] for key in keys)


def CopyModel(existing, new, params=None):
    _call("CopyModel", existing, new, params)


def SetStatus(nodes, params, val=None):
    if isinstance(nodes, SynapseCollection):
        _call("connectionsSetStatus", nodes._number, params, val)
    else:
        _call("SetStatus", nodes, params, val)


def GetStatus(nodes, keys=None):
    if isinstance(nodes, SynapseCollection):
        return _call("connectionsGetStatus", nodes._number, keys)
    return _call("GetStatus", nodes, keys)


def Simulate(t):
    _call("Simulate", t)


def Prepare():
    _call("Prepare")


def Run(t):
    _call("Run", t)


def Cleanup():
    _call("Cleanup")


class _Module(types.ModuleType):
    """Kernel values as attributes of the module."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _call("get", name)

    def __setattr__(self, name, value):
        if name in self.__dict__ or name.startswith("__"):
            super().__setattr__(name, value)
        else:
            _call("set", {name: value})


sys.modules[__name__].__class__ = _Module
sys.modules["nest.random"] = random
