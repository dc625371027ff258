from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch

from archlab.errors import ShapeError, SourceError, UsageError
from archlab.functions import B, Parameter, Roles, S, Start, graph_shape, image, sequence, weights_of
from archlab.graph import Graph, Node, Scope
from archlab.ops import Constants, Detached, Input, Weight
from archlab.torch_bridge._hold import left_as_it_is, same_random_state
from archlab.torch_bridge._initial import observed
from archlab.torch_bridge._record import Recorder, Written
from archlab.torch_bridge.types import Module, Tensor


def from_torch(
    module: Module, input: Sequence[int], starts: Mapping[int, Start] | None = None, name: str = ""
) -> Graph:
    """The graph of a PyTorch module, which is read and left exactly as it is.

    Its `forward` runs once, on a tensor of the `meta` device that has a shape and no memory: nothing is computed, and
    no weight is looked at but for its spread. Calls of functions become nodes, modules the scopes that they stand in.
    The graph has the channels last, as all graphs have; a permutation that only moves the channels is no node. A
    function without a rule is *unknown*, by name.

    Args:
        module: a `torch.nn.Module`, in training mode or not, on whatever device.
        input: the shape of what it takes, without the batch, as PyTorch has it: (3, 224, 224).
        starts: by the `id` of a parameter, what its elements begin with; by default what they are now.
        name: of the graph; the module's class by default.

    Raises:
        UsageError: it is no module, or the input has other channels than its first layer takes.
        SourceError: its code asks for the values of a tensor, or cannot be followed.
        ShapeError: a layer refuses the shapes that it meets.

    >>> import torch
    >>> graph = from_torch(torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3), torch.nn.ReLU()), (3, 32, 32))
    >>> [(node.name, node.op.title, node.shape) for node in graph][1:]
    [('0', 'Conv', (30, 30, 16)), ('1', 'ReLU', (30, 30, 16))]
    """
    return read(module, input, starts, name).graph


class Reading(NamedTuple):
    """A module that has been read: its graph, and what was called to compute it."""

    graph: Graph
    recorder: Recorder
    outputs: tuple[int, ...]
    """The nodes of the outputs that it gives, in order, one after another."""


def read(module: Module, input: Sequence[int], starts: Mapping[int, Start] | None = None, name: str = "") -> Reading:
    """As `from_torch`, with the record of what was called."""
    if not isinstance(module, torch.nn.Module):
        raise UsageError(f"a torch.nn.Module is needed, got {type(module).__name__}")
    known = starts or {}

    def begins(parameter: Tensor) -> Start | None:
        return known.get(id(parameter)) or observed(parameter)

    recorder = Recorder(module, begins)
    x, roles = _input(module, tuple(input))
    title = name or type(module).__name__
    with same_random_state(module, 0), torch.no_grad():
        dtype = str(x.dtype).removeprefix("torch.")
        recorder.input(x, "input", Input.of(graph_shape(tuple(x.shape), roles), dtype), roles)
        try:
            with left_as_it_is(module), recorder.following(), recorder:
                found = module(x)
        except (SourceError, ShapeError, UsageError) as error:
            raise _told(error, module, tuple(input), title) from None
        except Exception as error:  # somebody's module may raise anything
            first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
            raise SourceError(f"{title}: its forward fails on an input of {tuple(input)}: {first}") from error
        outputs = recorder.positions(found)
        if not outputs:
            raise SourceError(f"{title}: its forward gives no tensor that depends on its input")
    return Reading(_graph(recorder, module, outputs, title), recorder, tuple(outputs))


def _told(
    error: SourceError | ShapeError | UsageError, module: Module, input: tuple[int, ...], title: str
) -> SourceError | ShapeError | UsageError:
    """What an error says, and where an input has its channels last, that too."""
    wanted = channels(module)
    if isinstance(error, ShapeError):
        if len(input) > 1 and wanted is not None and input[0] != wanted and input[-1] == wanted:
            first = (input[-1], *input[:-1])
            return UsageError(f"{title}: PyTorch has channels first: give input={first}, got {input}")
        error.within(title)
        return error
    return type(error)(f"{title}: {error}")


def channels(module: Module) -> int | None:
    """The channels that a module's first convolution takes; None where none says so."""
    for each in module.modules():
        if isinstance(each, torch.nn.modules.conv._ConvNd):
            return int(each.in_channels)
        if isinstance(each, torch.nn.Linear):
            return None
    return None


def first_axes(module: Module) -> int | None:
    """How many axes of positions a module's first convolution works on; None where it has none."""
    for each in module.modules():
        if isinstance(each, torch.nn.modules.conv._ConvNd):
            return len(each.kernel_size)
    return None


def _input(module: Module, shape: tuple[int, ...]) -> tuple[Tensor, Roles]:
    """A tensor of one sample, and what its axes are."""
    if not shape or any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in shape):
        raise UsageError(f"input is a tuple of whole numbers of at least 1, as in (3, 224, 224), got {shape}")
    floats = [p.dtype for p in module.parameters() if p.is_floating_point()]
    first = next((each for each in module.modules() if not list(each.children())), None)
    dtype = torch.int64 if isinstance(first, torch.nn.Embedding) else floats[0] if floats else torch.float32
    rank = len(shape) + 1
    one_axis = any(isinstance(each, torch.nn.Conv1d) for each in module.modules())
    roles = image(rank) if rank > 3 or (rank == 3 and one_axis) else sequence(rank)
    if isinstance(first, torch.nn.Embedding):
        roles = (B, *(S,) * (rank - 1))
    return torch.empty((1, *shape), dtype=dtype, device="meta"), roles


class _Names:
    """Names of nodes and scopes, from those of modules."""

    def __init__(self, recorder: Recorder, module: Module) -> None:
        self._paths = {id(each): path.replace(".", "/") for path, each in module.named_modules(remove_duplicate=True)}
        self._entered = recorder.entered
        self._scopes: dict[str, Scope] = {}
        self._used: Counter[str] = Counter()
        self._taken: set[str] = set()
        counts = Counter(each.module for each in recorder.written)
        self._alone = {place for place, n in counts.items() if n == 1}

    def path(self, place: int) -> str:
        """The path of the module of a call; of one that is no part of the whole, that of the one around."""
        while place >= 0:
            found = self._paths.get(id(self._entered[place].module))
            if found is not None:
                return found
            place = self._entered[place].outer
        return ""

    def scope(self, place: int) -> Scope | None:
        """The scope of the module of a call."""
        path = self.path(place)
        if not path:
            return None
        if path not in self._scopes:
            outer = self._entered[place].outer
            while outer >= 0 and self.path(outer) == path:
                outer = self._entered[outer].outer
            self._scopes[path] = Scope(path, _kind(self._entered[place].module), self._around(path))
        return self._scopes[path]

    def _around(self, path: str) -> Scope | None:
        """The scope around a path, which nobody may have called: the list that a block stands in."""
        outer = path.rpartition("/")[0]
        if not outer:
            return None
        if outer not in self._scopes:
            module = next((m for m, p in self._by_path().items() if p == outer), None)
            kind = _kind(self._modules[module]) if module is not None else "block"
            self._scopes[outer] = Scope(outer, kind, self._around(outer))
        return self._scopes[outer]

    def _by_path(self) -> Mapping[int, str]:
        return self._paths

    _modules: dict[int, Module]

    def of(self, written: Written) -> tuple[str, Scope | None]:
        """The name of a node, and the scope that it stands in."""
        if written.module < 0:
            return self._free(written.name), None
        path = self.path(written.module)
        leaf = not any(True for _ in self._entered[written.module].module.children())
        if leaf and written.module in self._alone and path:
            return self._free(path), self._around(path)
        plain = written.name.strip("_")
        name = {"getitem": "slice", "iadd": "add", "setitem": "assign"}.get(plain, plain)
        return self._free(f"{path}/{name}" if path else name), self.scope(written.module)

    def _free(self, name: str) -> str:
        count = self._used[name] = self._used[name] + 1
        found = name if count == 1 else f"{name}_{count}"
        if found in self._taken:
            return self._free(name)
        self._taken.add(found)
        return found


_LISTS = (torch.nn.Sequential, torch.nn.ModuleList, torch.nn.ModuleDict)


def _holds_blocks(module: Module) -> bool:
    children = [each for each in module.children() if not isinstance(each, torch.nn.Identity)]
    return bool(children) and all(any(True for _ in each.children()) for each in children)


def _kind(module: Module) -> str:
    """Whether a module is a stage, a row of blocks, or a block."""
    if not isinstance(module, _LISTS) or not _holds_blocks(module):
        return "block"
    inner = [each for each in module.children() if isinstance(each, _LISTS) and _holds_blocks(each)]
    return "block" if inner else "stage"


def _graph(recorder: Recorder, module: Module, outputs: list[int], title: str) -> Graph:
    names = _Names(recorder, module)
    names._modules = {id(each): each for each in module.modules()}
    of_parameters = {id(p): path for path, p in module.named_parameters(remove_duplicate=True)}
    counted: set[int] = set()
    layers: dict[tuple[int, ...], str] = {}
    nodes: list[Node] = []
    for written in recorder.written:
        name, scope = names.of(written)
        inputs = tuple([nodes[source].shape for source in written.reads])
        weights, key = (), tuple([id(p) for p in written.parameters])
        if written.parameters:
            weights = weights_of(
                written.op, inputs, [_parameter(of_parameters.get(id(p), ""), p, counted) for p in written.parameters]
            )
            counted.update(key)
        layer = layers.setdefault(key, name) if key else name
        if layer != name and replace(nodes[_at(nodes, layer)].op) != written.op:
            layer = name
        nodes.append(
            Node(
                name, written.op, written.reads, written.shape, scope, layer, written.dtype, weights, kept=written.kept
            )
        )
    for path, parameter in module.named_parameters(remove_duplicate=True):
        if id(parameter) not in counted:
            nodes.extend(_unused(path, parameter, names))
            counted.add(id(parameter))
    nodes += [_of_constants(place, products, names) for place, products in recorder.products.items()]
    return Graph(tuple(nodes), tuple(outputs), title)


def _at(nodes: list[Node], name: str) -> int:
    return next(place for place, node in enumerate(nodes) if node.name == name)


def _unused(path: str, parameter: Tensor, names: _Names) -> list[Node]:
    """A node beside the graph for a parameter that the outputs do not need."""
    name = names._free(path.replace(".", "/"))
    found = _parameter(path, parameter, set())
    role = "kernel" if parameter.dim() > 1 else "bias"
    weight = Weight(found.name, found.shape, parameter.numel(), role, found.trainable, found.dtype)
    return [Node(name, Detached("Parameter"), (), (0,), None, name, weight.dtype, (weight,))]


def _of_constants(place: int, products: list[int | None], names: _Names) -> Node:
    """A node beside the graph for what a module multiplies of constants alone."""
    known = [macs for macs in products if macs is not None]
    op = Constants(sum(known)) if len(known) == len(products) else Constants(None, "a product of constants has no rule")
    path = names.path(place)
    name = names._free(f"{path}/constants" if path else "constants")
    return Node(name, op, (), (0,), names.scope(place), name, "float32", ())


def _parameter(path: str, parameter: Tensor, counted: set[int]) -> Parameter:
    dtype = str(parameter.dtype).removeprefix("torch.")
    name = path.rpartition(".")[2]
    return Parameter(name, tuple(parameter.shape), dtype, parameter.requires_grad, id(parameter) in counted)
