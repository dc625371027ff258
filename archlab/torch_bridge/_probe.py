"""A PyTorch module with its signals and gradients measured in one pass forward and one backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

from archlab.errors import SourceError, UsageError
from archlab.functions import B, C, Roles
from archlab.graph import Graph
from archlab.probes import LOSS_SCALES, NO_GRADIENT, Batch, Row, Run, roots
from archlab.torch_bridge._from_torch import Reading, read
from archlab.torch_bridge._hold import ModuleValues, holding, in_float64, left_as_it_is, values_of, without_memory
from archlab.torch_bridge._loss import ModuleLoss
from archlab.torch_bridge._watch import Watcher
from archlab.torch_bridge.types import Module, Tensor


class Learned(NamedTuple):
    """A parameter of a layer."""

    name: str
    trainable: bool
    key: int
    """The `id` of the module's own parameter."""


class RunnableModule:
    """A module that can be run with the tensor of every node of its graph seen as it is made.

    Args:
        module: the module, which has memory.
        input: the shape of what it takes, without the batch, as PyTorch has it.
        training: whether it is in training mode when it is run.
        name: for messages.

    Raises:
        UsageError: its parameters have no memory.
        SourceError: its code cannot be followed.
    """

    def __init__(self, module: Module, input: Sequence[int], training: bool, name: str = "") -> None:
        self.module, self.training = module, training
        self.name = name or type(module).__name__
        if without_memory(module):
            raise UsageError(
                f"{self.name} has parameters on the meta device, without memory: there is nothing to measure"
            )
        with left_as_it_is(module):
            module.train(training)
            self.reading: Reading = read(module, input, None, name)
        floats = [each for each in module.parameters() if each.is_floating_point()]
        self.dtype: torch.dtype = floats[0].dtype if floats else torch.float32
        self.device = floats[0].device if floats else torch.device("cpu")

    @property
    def graph(self) -> Graph:
        """The graph, as it is in the mode that the module is run in."""
        return self.reading.graph

    def roles(self, position: int) -> Roles:
        """What the axes of a node's tensor are."""
        return self.reading.recorder.roles[position]

    def channels_first(self, position: int) -> bool:
        """Whether PyTorch has the channels of that node before its positions, where the graph has them behind."""
        roles = self.roles(position)
        return len(roles) > 2 and roles[:2] == (B, C)

    @contextmanager
    def running(
        self, batch: Batch, values: ModuleValues, tell: Callable[[int, Tensor], None]
    ) -> Iterator[tuple[Tensor, list[Tensor], Mapping[int, Tensor]]]:
        """Run it on a batch with these values, `tell` being called with every node's tensor.

        Gives the input as a leaf that gradients are taken with respect to, the outputs, and the parameters in use by
        the `id` of the module's own.
        """
        x = np.asarray(batch.x[0])
        x = np.moveaxis(x, -1, 1) if self.channels_first(0) else x
        leaf = torch.as_tensor(np.ascontiguousarray(x), device=self.device)
        if self.reading.recorder.written[0].dtype.startswith(("float", "bfloat")):
            floats = [each.dtype for each in values.parameters if each.is_floating_point()]
            leaf = leaf.to(floats[0] if floats else self.dtype).requires_grad_()
        else:
            leaf = leaf.long()
        with holding(self.module, values, self.training) as places, torch.inference_mode(False), torch.enable_grad():
            watcher = Watcher(self.module, self.reading, tell)
            given = leaf.clone()  # what code may change in place
            watcher.begin(given)
            try:
                with watcher:
                    made = self.module(given)
            except SourceError as error:
                raise SourceError(f"{self.name}: {error}") from None
            except Exception as error:  # somebody's module may raise anything
                raise SourceError(
                    f"{self.name}: its forward fails on a batch of {tuple(leaf.shape)}: {_first_line(error)}"
                ) from error
            yield leaf, watcher.outputs(made), places

    def fails_in_float64(self) -> bool:
        """Whether its forward has an error in float64: code may convert what it computes with."""
        values = in_float64(values_of(self.module))
        shape = [size or 1 for size in self.reading.recorder.written[0].shape]
        batch = Batch((np.zeros((2, *shape), "float32"),), (None,), "")
        try:
            with self.running(batch, values, lambda position, tensor: None):
                return False
        except SourceError:
            return True


class ModuleProbe:
    """Measures a PyTorch module as it is, in one of its modes: nothing of it changes.

    Gradients are PyTorch's own (`torch.autograd.grad`), those of outputs caught by hooks on the tensors, which come
    before what changes them in place. `.grad` is not touched.

    Args:
        runnable: the module.
        loss: what gradients are taken of.
        seen: nodes whose signals are measured besides those of layers with weights.
        precision: that of the values which it is run with; the module's own by default.
    """

    def __init__(
        self, runnable: RunnableModule, loss: ModuleLoss, seen: Sequence[int] = (), precision: str = ""
    ) -> None:
        self.runnable, self.loss = runnable, loss
        self.graph = runnable.graph
        self.training = runnable.training
        self.rows = _rows(runnable)
        self.seen = tuple(dict.fromkeys([*(row.position for row in self.rows), *seen]))
        self.relus = tuple(position for position, node in enumerate(self.graph) if node.op.rectifies)
        self.precision = precision or str(runnable.dtype).removeprefix("torch.")
        self._learned = [variable for row in self.rows for variable in row.variables if isinstance(variable, Learned)]

    def run(self, batch: Batch, values: ModuleValues | None = None) -> Run:
        """One batch forward and backward, with these values; with the module's own by default."""
        values = values_of(self.runnable.module) if values is None else values
        half = any(each.dtype == torch.float16 for each in values.parameters)
        scale, *smaller = LOSS_SCALES if half else (1.0,)
        found, finite = self._pass(batch, values, scale)
        while smaller and not finite:
            scale, *smaller = smaller
            found, finite = self._pass(batch, values, scale)
        return found

    def _pass(self, batch: Batch, values: ModuleValues, scale: float) -> tuple[Run, bool]:
        squares: dict[int, Tensor] = {}
        to_outputs: dict[int, Tensor] = {}
        sums: dict[int, Tensor] = {}
        sizes: dict[int, int] = {}
        dead: dict[int, Tensor] = {}
        watched, rectifiers = set(self.seen), set(self.relus)

        def look(position: int, tensor: Tensor) -> None:
            plain = tensor.detach()
            if position in rectifiers:
                dead[position] = _dead(plain, self.runnable.roles(position))
            if position not in watched:
                return
            squares[position], sums[position] = _square(plain), plain.sum(dtype=torch.float64)
            sizes[position] = plain.numel()
            if tensor.requires_grad:
                tensor.register_hook(lambda gradient: to_outputs.update({position: _square(gradient)}))

        with self.runnable.running(batch, values, look) as (leaf, ends, places):
            labels = [self._label(label, position) for label, position in zip(batch.y, self.graph.outputs, strict=True)]
            loss = self.loss(labels, ends)
            weights = [places[variable.key] for variable in self._learned]
            wanted = [weight for weight in weights if weight.requires_grad] + ([leaf] if leaf.requires_grad else [])
            if not loss.requires_grad or not wanted:
                raise UsageError(f"{self.runnable.name}: no gradient leads from the loss to a layer")
            gradients = torch.autograd.grad(loss * scale, wanted, allow_unused=True)
            by_weight = dict(zip(map(id, wanted), gradients, strict=True))
            own = [by_weight.get(id(weight)) for weight in weights]
            of_weights = _numbers([None if each is None else _square(each) for each in own])
            norms = _numbers([_square(weight.detach()) for weight in weights])
        count = np.array([sizes[position] for position in self.seen], "float64")
        of_outputs = _numbers([to_outputs.get(position) for position in self.seen])
        found = Run(
            float(loss.detach()),
            roots(of_weights) / scale,
            np.sqrt(norms),
            roots(of_outputs, count) * batch.examples / scale,
            np.sqrt(_numbers([squares[position] for position in self.seen]) / count),
            _numbers([sums[position] for position in self.seen]) / count,
            _numbers([dead[position] for position in self.relus]),
        )
        return found, bool(np.isfinite(of_weights).all() and np.isfinite(of_outputs).all())

    def _label(self, label: np.ndarray | None, position: int) -> np.ndarray | None:
        """Labels as PyTorch has them: those of every position and channel with the channels first."""
        if label is None or label.ndim != len(self.runnable.roles(position)):
            return label
        return np.moveaxis(label, -1, 1) if self.runnable.channels_first(position) else label


class UnitGradient:
    """The gradient of the channels of one unit, added with signs, with respect to the input of a module.

    Args:
        runnable: the module.
        position: the node of the unit.
        unit: where it stands.

    Raises:
        UsageError: the input holds whole numbers, or the axes of the node are not those of one map.
    """

    def __init__(self, runnable: RunnableModule, position: int, unit: Sequence[int]) -> None:
        self.runnable, self.position, self.unit = runnable, position, tuple(unit)
        self.precision = str(runnable.dtype).removeprefix("torch.")
        self.image = 0
        if not runnable.reading.recorder.written[0].dtype.startswith(("float", "bfloat")):
            raise UsageError("no gradient is taken with respect to an input of whole numbers")
        self._roles = runnable.roles(position)
        if self._roles.count(B) != 1:
            raise UsageError(f"the units of {runnable.graph.nodes[position].name} are no longer one map of each sample")

    def __call__(self, batch: Batch, values: ModuleValues, signs: np.ndarray) -> np.ndarray:
        """The gradient, of the input's shape with the channels last; `signs` are (samples, channels)."""
        target: list[Tensor] = []

        def look(position: int, tensor: Tensor) -> None:
            if position == self.position:
                order = [self._roles.index(B), *[axis for axis, role in enumerate(self._roles) if role not in (B, C)],
                         *[axis for axis, role in enumerate(self._roles) if role == C]]  # fmt: skip
                at = tensor.permute(order)[(slice(None), *self.unit)].flatten(1)
                target.append((at * torch.as_tensor(signs).to(at)).sum())

        with self.runnable.running(batch, values, look) as (leaf, _, _):
            value = target[-1]
            (gradient,) = torch.autograd.grad(value, leaf, allow_unused=True) if value.requires_grad else (None,)
        found = torch.zeros_like(leaf) if gradient is None else gradient
        array = found.detach().double().cpu().numpy()
        return np.moveaxis(array, 1, -1) if self.runnable.channels_first(0) else array


def settled(runnable: RunnableModule, values: ModuleValues, inputs: Sequence[object]) -> ModuleValues:
    """The same values, but with the statistics of batch normalization that a batch has."""
    module = runnable.module
    norms = [each for each in module.modules() if isinstance(each, torch.nn.modules.batchnorm._BatchNorm)
             and each.track_running_stats and each.momentum != 0]  # fmt: skip
    if not norms:
        return values
    x = np.asarray(inputs[0])
    x = np.moveaxis(x, -1, 1) if runnable.channels_first(0) else x
    own = tuple(module.buffers())
    with holding(module, values, True) as places, torch.no_grad():
        for each in norms:
            each.momentum = None  # the mean over all calls
            each.reset_running_stats()
        first = next((each.dtype for each in values.parameters if each.is_floating_point()), runnable.dtype)
        module(torch.as_tensor(np.ascontiguousarray(x), device=runnable.device).to(first))
        kept = {id(tensor) for each in norms for tensor in (each.running_mean, each.running_var)}
        held = [places[id(mine)] for mine in own]
    buffers = [mine if id(mine) in kept else value for mine, value in zip(held, values.buffers, strict=True)]
    return values._replace(buffers=tuple(buffers))


def _rows(runnable: RunnableModule) -> tuple[Row, ...]:
    rows: list[Row] = []
    done: set[int] = set()
    recorder = runnable.reading.recorder
    for position, (written, node) in enumerate(zip(recorder.written, runnable.graph, strict=False)):
        # A parameter belongs to the layer that reads it first.
        learned = [
            (Learned(weight.name, parameter.requires_grad, id(parameter)), weight.role == "kernel")
            for parameter, weight in zip(written.parameters, node.weights or (), strict=True)
            if id(parameter) not in done
        ]
        done.update(id(parameter) for parameter in written.parameters)
        if learned:
            variables, kernels = zip(*learned, strict=True)
            rows.append(Row(position, variables, kernels))
    return tuple(rows)


def _square(tensor: Tensor) -> Tensor:
    """The sum of squares, in float64, which loses nothing of what float32 holds."""
    tensor = tensor if tensor.is_floating_point() else tensor.double()
    return torch.linalg.vector_norm(tensor, dtype=torch.float64) ** 2


def _dead(output: Tensor, roles: Roles) -> Tensor:
    """The share of channels that are zero at every position of every sample."""
    others = [axis for axis, role in enumerate(roles) if role != C]
    largest = output.amax(others) if others else output
    return (largest <= 0).double().mean()


def _numbers(values: Sequence[Tensor | None]) -> np.ndarray:
    """Numbers on any device as one array; `NO_GRADIENT` for None."""
    if not values:
        return np.zeros(0)
    none = torch.tensor(NO_GRADIENT, dtype=torch.float64)
    return torch.stack([none if each is None else each.detach().cpu() for each in values]).numpy()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
