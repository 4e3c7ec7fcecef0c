"""PyNEST's calls, answered by eprop: a translation that adds nothing. See README.md beside it."""

import atexit
import builtins
import enum
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
        if all(isinstance(each, (bool, np.bool_)) for each in chosen):
            if chosen and len(chosen) != len(self):
                raise IndexError("Bool index array must be the same length as NodeCollection")
            return NodeCollection(itertools.compress(self._ids, chosen), True)
        if any(isinstance(each, (bool, np.bool_)) or not isinstance(each, (int, np.integer)) for each in chosen):
            raise TypeError("Indices must be integers or bools")
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

    def _runs(self):
        """The first id, the last and the model of nodes with neighbouring ids."""
        runs = []
        for node, model in zip(self._ids, (each.get("model") for each in self)):
            if runs and runs[-1][1] == node - 1 and runs[-1][2] == model:
                runs[-1][1] = node
            else:
                runs.append([node, node, model])
        return runs

    def __str__(self):
        parts = [
            f"model={model}, size={last - first + 1}, first={first}" + (f", last={last}" if last > first else "")
            for first, last, model in self._runs()
        ]
        if not parts:
            return "NodeCollection(<empty>)"
        lead = "metadata=None, " if len(parts) == 1 else "metadata=None,\n" + " " * 15
        return f"NodeCollection({lead}" + (";\n" + " " * 15).join(parts) + ")"

    __repr__ = __str__

    def get(self, *params, output=""):
        if output.startswith("pandas"):
            raise NESTErrors.NotImplemented("values are no tables of pandas here")
        values = self._values(*params)
        return json.dumps(_plain(values)) if output == "json" else values

    def _values(self, names=None, *path):
        if path:
            return self._below(names, *path)
        wanted = names if isinstance(names, (list, tuple)) else [names]
        if len(self) > 1 and "events" in wanted:
            of = {name: tuple(each.get(name) for each in self) for name in wanted}
            return of if isinstance(names, (list, tuple)) else of[names]
        values = _call("nodesGet", self, names)
        if names in ("events", "spike_times") or (names is None and "events" in values):
            return _arrays(values)
        return tuple(values) if isinstance(values, list) and isinstance(names, str) and len(self) > 1 else values

    def _below(self, *path):
        """What lies below a path of names: `get("events", "times")`."""
        if not all(isinstance(name, str) for name in path[:-1]):
            raise TypeError("First argument must be a string, specifying path into hierarchical dictionary")

        def of(node, name):
            value = node.get(path[0])
            for step in (*path[1:-1], name):
                value = value[step]
            return value

        def found(name):
            return of(self, name) if len(self) == 1 else [of(node, name) for node in self]

        return found(path[-1]) if isinstance(path[-1], str) else {name: found(name) for name in path[-1]}

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


def _plain(value):
    """A value without arrays."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [_plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value


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

    def get(self, names=None, output=""):
        if output.startswith("pandas"):
            raise NESTErrors.NotImplemented("values are no tables of pandas here")
        values = _call("connectionsGet", self._number, names)
        if self._length == 1:
            values = {name: of[0] for name, of in values.items()} if isinstance(values, dict) else values[0]
        return json.dumps(values) if output == "json" else values

    def __eq__(self, other):
        if not isinstance(other, SynapseCollection):
            raise NotImplementedError()
        return _call("connectionsEqual", self._number, other._number)

    def __str__(self):
        return _call("connectionsText", self._number)

    def sources(self):
        return iter(_call("connectionsGet", self._number, "source"))

    def targets(self):
        return iter(_call("connectionsGet", self._number, "target"))

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
    return _call("GetNodes", properties or {})


def PrintNodes():
    nodes = GetNodes()
    width = len(str(len(nodes)))
    for first, last, model in nodes._runs():
        end = f" .. {last:>{width}}" if last > first else " " * (width + 4)
        print(f"{first:>{width}}{end} {model}")


def Rank():
    return 0


def NumProcesses():
    return 1


def Connect(pre, post, conn_spec=None, syn_spec=None):
    _call("Connect", pre, post, conn_spec, syn_spec)


def Disconnect(*args, conn_spec=None, syn_spec=None):
    if len(args) == 1 and isinstance(args[0], SynapseCollection):
        args[0].disconnect()
    elif len(args) == 2 and all(isinstance(each, NodeCollection) for each in args):
        _call("Disconnect", *args, conn_spec or "one_to_one", syn_spec or "static_synapse")
    else:
        raise TypeError("Arguments must be either a SynapseCollection or two NodeCollections")


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


VerbosityLevel = enum.IntEnum("VerbosityLevel", _call("VerbosityLevel"))


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
