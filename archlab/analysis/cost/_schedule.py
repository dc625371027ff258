"""A training step as a sequence of layers, forward and backward, and how long each tensor lives in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal, NamedTuple, TypeAlias

from archlab.analysis.static._facts import gather, reached
from archlab.graph import Graph, elements
from archlab.ops import Step
from archlab.units import BYTES_PER_ELEMENT

Phase: TypeAlias = Literal["forward", "recompute", "backward"]
What: TypeAlias = Literal[
    "weights",
    "optimizer slots",
    "input",
    "saved activations",
    "live activations",
    "activation gradients",
    "weight gradients",
    "temporary",
    "fragmentation",
]  # fmt: skip
"""What a byte is taken by: saved activations are needed by the backward pass, live ones by layers further on.

Fragmentation is what the allocator has been given back and nothing fits in."""


class Moment(NamedTuple):
    """A layer that runs."""

    phase: Phase
    position: int


class Lifetime(NamedTuple):
    """Bytes that are taken from one moment to another, both included."""

    what: What
    fixed: int
    per_sample: int
    first: int
    last: int
    at_a_time: int | None = None
    """Samples that it is needed for at a time, at most; None: all of the batch."""

    def size(self, batch: int) -> int:
        """Its bytes at a batch size."""
        return self.fixed + self.per_sample * (batch if self.at_a_time is None else min(batch, self.at_a_time))

    def allocated(self, batch: int) -> int:
        """The bytes that are allocated for it: for as many samples as it may be needed for."""
        return self.fixed + self.per_sample * (batch if self.at_a_time is None else self.at_a_time)


@dataclass
class Update:
    """What an optimizer makes of a weight's gradient besides its slots, in sizes of the weight.

    Attributes:
        slots: numbers kept for each trainable parameter.
        temporary: at most at a time while it works out the new weight, the gradient and the new weight included.
        decays_first: whether it decays every weight as the step begins: what the layers have read stays beside it.
    """

    slots: int
    temporary: int
    decays_first: bool = False


@dataclass
class Schedule:
    """The moments of a step and everything that lives in it."""

    moments: list[Moment] = field(default_factory=list[Moment])
    lifetimes: list[Lifetime] = field(default_factory=list[Lifetime])

    def sizes(self, batch: int) -> list[int]:
        """All live bytes at each moment, at a batch size."""
        steps = [0] * (len(self.moments) + 1)
        for each in self.lifetimes:
            size = each.size(batch)
            steps[each.first] += size
            steps[each.last + 1] -= size
        return list(accumulate(steps[:-1]))

    @property
    def constant(self) -> list[Lifetime]:
        """What lives as long as the step: allocated before."""
        return [each for each in self.lifetimes if self._throughout(each)]

    @property
    def changing(self) -> list[Lifetime]:
        """What is allocated in the step."""
        return [each for each in self.lifetimes if not self._throughout(each)]

    def _throughout(self, each: Lifetime) -> bool:
        return each.first == 0 and each.last == len(self.moments) - 1

    def parts(self, batch: int, moment: int) -> dict[What, int]:
        """The live bytes at a moment, by what they are taken by."""
        found: dict[What, int] = {}
        for each in self.lifetimes:
            if each.first <= moment <= each.last:
                found[each.what] = found.get(each.what, 0) + each.size(batch)
        return found


@dataclass(frozen=True)
class Setting:
    """How a step is computed."""

    half: bool
    update: Update
    segments: tuple[tuple[int, ...], ...] = ()
    """Positions whose inside is computed anew in the backward pass, each a run of neighbours."""


def schedule(graph: Graph, setting: Setting) -> Schedule:
    """The schedule of a training step: layers in order, then back; a weight is updated as its gradient is there."""
    return _Planner(graph, setting).plan()


class _Planner:
    def __init__(self, graph: Graph, setting: Setting):
        self.graph, self.setting = graph, setting
        self.facts, self.flows = gather(graph), reached(graph)
        self.rules = _steps(graph, setting.half)
        self.asked = [
            known.trainable or any(self.flows[source] for source in node.inputs)
            for node, known in zip(graph.nodes, self.facts, strict=True)
        ]
        self.found = Schedule()
        self.forward: list[int] = []
        self.backward = [-1] * len(graph)
        self.again = [-1] * len(graph)
        self.roots: list[int] = []
        for position, node in enumerate(graph.nodes):
            self.roots.append(self.roots[node.inputs[0]] if node.inputs and node.op.is_view(True) else position)
        self.readers: list[list[int]] = [[] for _ in graph.nodes]
        for position, node in enumerate(graph.nodes):
            for source in node.inputs:
                self.readers[self.roots[source]].append(position)
        self.users = self._users()
        self.segment = [-1] * len(graph)
        for number, members in enumerate(setting.segments):
            for position in members:
                self.segment[position] = number

    def plan(self) -> Schedule:
        self._order()
        self._activations()
        self._gradients()
        self._weights()
        return self.found

    def number(self, position: int) -> int:
        """Bytes of one number of a node's output."""
        dtype = self.graph.nodes[position].dtype
        return 2 if self.setting.half and dtype == "float32" else BYTES_PER_ELEMENT[dtype]

    def size(self, position: int) -> int:
        return elements(self.graph.nodes[position].shape) * self.number(position)

    def take(self, what: What, fixed: int, per_sample: int, first: int, last: int, most: int | None = None) -> None:
        if (fixed or per_sample) and last >= first:
            self.found.lifetimes.append(Lifetime(what, fixed, per_sample, first, last, most))

    def _order(self) -> None:
        moments = self.found.moments
        for position in range(len(self.graph)):
            self.forward.append(len(moments))
            moments.append(Moment("forward", position))
        behind: set[int] = set()
        for position in range(len(self.graph) - 1, -1, -1):
            number = self.segment[position]
            if number >= 0 and number not in behind:
                behind.add(number)
                for member in self.setting.segments[number]:
                    self.again[member] = len(moments)
                    moments.append(Moment("recompute", member))
            if self.asked[position]:
                self.backward[position] = len(moments)
                moments.append(Moment("backward", position))
        self.end = len(moments) - 1

    def _users(self) -> list[list[int]]:
        """For each tensor the nodes whose backward pass needs it."""
        users: list[list[int]] = [[] for _ in self.graph.nodes]
        for position, (node, rule) in enumerate(zip(self.graph.nodes, self.rules, strict=True)):
            if not self.asked[position]:
                continue
            if rule.inputs:
                for source in node.inputs:
                    users[self.roots[source]].append(position)
            if rule.output:
                users[self.roots[position]].append(position)
        return users

    def _activations(self) -> None:
        users, readers = self.users, self.readers
        outputs = {self.roots[position] for position in self.graph.outputs}
        for position, node in enumerate(self.graph.nodes):
            rule = self.rules[position]
            if self.roots[position] != position:
                continue
            size = self.size(position)
            what: What = "input" if not node.inputs else "saved activations" if users[position] else "live activations"
            if not node.inputs:
                self.take("input", 0, size, 0, self.end)
                continue
            last = max([self.forward[reader] for reader in readers[position]], default=self.forward[position])
            if position in outputs:
                last = max(last, len(self.graph) - 1)
            taken = self._taken_by(position, readers[position], users[position])
            self._temporary(position, rule)
            if self._inside(position, readers[position]):
                self.take("live activations", 0, size, self.forward[position], last - taken)
                number = self.segment[position]
                used = [self.backward[user] for user in users[position]]
                redone = [self.again[each] for each in readers[position] if self.segment[each] == number]
                if redone or used:
                    end = max([*used, *redone])
                    self.take(what, 0, size, self.again[position], end - (taken and not used))
                continue
            last = max([last, *[self.backward[user] for user in users[position]]])
            self.take(what, 0, size, self.forward[position], last - taken)
        for position, rule in enumerate(self.rules):
            if rule.held and self.asked[position]:
                inside = self.segment[position] >= 0
                first = (self.again if inside else self.forward)[position]
                self.take("saved activations", 0, rule.held, first, self.backward[position])
                if inside:
                    self.take("temporary", 0, rule.held, self.forward[position], self.forward[position])

    def _temporary(self, position: int, rule: Step) -> None:
        self.take("temporary", 0, rule.forward, self.forward[position], self.forward[position])
        if self.again[position] >= 0:
            self.take("temporary", 0, rule.forward, self.again[position], self.again[position])

    def _inside(self, position: int, readers: Sequence[int]) -> bool:
        """Whether a tensor is computed anew: nothing outside of its segment reads it."""
        number = self.segment[position]
        if number < 0 or not readers:
            return False
        members = self.setting.segments[number]
        return position != members[-1] and all(self.segment[reader] == number for reader in readers)

    def _taken_by(self, position: int, readers: Sequence[int], users: Sequence[int]) -> int:
        """1 where the last layer that reads a tensor writes its output in the same memory, else 0."""
        if users or not readers:
            return 0
        last = max(readers)
        node = self.graph.nodes[last]
        first_dying = next(
            (self.roots[source] for source in node.inputs if self._dies_at(self.roots[source], last)), None
        )
        return int(self.rules[last].in_place and first_dying == position and self.size(last) == self.size(position))

    def _dies_at(self, root: int, position: int) -> bool:
        last = max(self.readers[root], default=-1)
        return bool(self.graph.nodes[root].inputs) and last == position and not self.users[root]

    def _gradients(self) -> None:
        arrived: list[list[_Buffer]] = [[] for _ in self.graph.nodes]
        for output in self.graph.outputs:
            if self.backward[output] >= 0:
                arrived[output].append(_Buffer(self.size(output), self.backward[output]))
        every: list[_Buffer] = [each for group in arrived for each in group]
        for position in range(len(self.graph) - 1, -1, -1):
            moment = self.backward[position]
            buffers = arrived[position]
            if moment < 0 or not buffers:
                continue
            for each in buffers:
                each.last = max(each.last, moment)
                each.holders -= 1
            # Several are added up in the memory of one that nobody else needs.
            error = next((each for each in buffers if not each.holders), None)
            if error is None:
                error = buffers[0]
                if len(buffers) > 1:
                    error = _Buffer(self.size(position), moment)
                    every.append(error)
            node, rule = self.graph.nodes[position], self.rules[position]
            sources = [source for source in node.inputs if self.flows[source]]
            for number, source in enumerate(sources):
                in_place = number == 0 and rule.error_in_place and not error.holders
                if rule.handed_on or node.op.is_view(True) or (in_place and error.size >= self.size(source)):
                    buffer = error
                else:
                    buffer = _Buffer(self.size(source), moment)
                    every.append(buffer)
                buffer.holders += 1
                arrived[source].append(buffer)
            self.take("temporary", 0, rule.backward, moment, moment)
            self._of_weights(position, moment)
        for each in every:
            self.take("activation gradients", 0, each.size, each.first, each.last)

    def _of_weights(self, position: int, moment: int) -> None:
        """The gradient of a layer's largest weight, and what the optimizer makes of it, one weight after another."""
        rule = self.rules[position]
        largest = max(
            [
                weight.size * BYTES_PER_ELEMENT[weight.dtype]
                for weight in self.facts[position].weights or ()
                if weight.trainable
            ],
            default=0,
        )
        if not largest:
            return
        # In half precision the kernel's gradient stands beside its copy in float32.
        copies = self.setting.update.temporary + (0.5 if self.setting.half else 0)
        self.take("weight gradients", int(copies * largest), 0, moment, moment)
        self.take("temporary", 0, rule.workspace, moment, moment, rule.at_a_time)

    def _weights(self) -> None:
        held: set[str] = set()
        for position, (node, known) in enumerate(zip(self.graph.nodes, self.facts, strict=True)):
            if node.layer in held:
                continue
            held.add(node.layer)
            weights = [each for each in known.weights or () if not each.shared]
            total = sum(each.size * BYTES_PER_ELEMENT[each.dtype] for each in weights)
            trainable = sum(each.size * BYTES_PER_ELEMENT[each.dtype] for each in weights if each.trainable)
            self.take("weights", total, 0, 0, self.end)
            self.take("optimizer slots", self.setting.update.slots * trainable, 0, 0, self.end)
            last = self.backward[position]
            if last < 0:
                continue
            if self.setting.half:
                kernels = sum(each.size for each in weights if each.role == "kernel" and each.trainable)
                self.take("weights", 2 * kernels, 0, 0, last)
            elif self.setting.update.decays_first:
                kernels = sum(each.size * 4 for each in weights if each.role == "kernel" and each.trainable)
                self.take("weights", kernels, 0, 0, last)


@dataclass
class _Buffer:
    """A gradient on its way back: how many nodes still wait for it."""

    size: int
    first: int
    last: int = -1
    holders: int = 1

    def __post_init__(self) -> None:
        self.last = max(self.last, self.first)


def _steps(graph: Graph, half: bool) -> list[Step]:
    """What each layer holds and makes; nothing of layers without a rule, which makes all a lower bound."""

    def compute() -> list[Step]:
        found: list[Step] = []
        known: dict[tuple[object, ...], Step] = {}
        for node, facts in zip(graph.nodes, gather(graph), strict=True):
            key = id(node.op), facts.inputs
            if key not in known:
                known[key] = (node.op.step(facts.inputs, node.shape, half) if facts.sized else None) or Step()
            found.append(known[key])
        return found

    return graph.fact(("steps", half), compute)
