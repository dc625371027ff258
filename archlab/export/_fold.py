"""Finds what repeats in a list of statements and writes it as loops. Unrolled, the loops are the same list again."""

from __future__ import annotations

import struct
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from archlab.export._statements import Statement

LONGEST = 400
"""Lines of the longest body that is looked for."""
MOST_VARIABLES = 4


@dataclass(frozen=True)
class Loop:
    """`for … in …: body`: the body once for each row.

    `rows` hold the body's arguments at each turn, all of them, in the order in which they stand in the body.
    """

    body: tuple[Item, ...]
    rows: tuple[tuple[Any, ...], ...]

    @cached_property
    def called(self) -> list[str]:
        """What the values of a row are called."""
        return [name for item in self.body for name in names(item)]

    @cached_property
    def is_plain(self) -> bool:
        """Whether every turn is the same."""
        return all(row == self.rows[0] for row in self.rows)


Item: TypeAlias = Statement | Loop


def fold(statements: Sequence[Statement]) -> tuple[Item, ...]:
    """The same statements with what repeats in loops: of several ways the one with the fewest lines."""
    return min((_folded(statements, longest, wrap) for longest, wrap in _WAYS), key=cost)


# What repeats unchanged is folded before what repeats with other numbers: up to so many lines, and whether the body of
# such a loop is made a loop of one turn where it stands alone. None is best for every network: the two maxima of
# VGG-16's equal last stages must not become a loop of their own, ResNet-50's blocks must.
_WAYS = ((LONGEST, True), (LONGEST, False), (3, True), (1, True), (0, False))


def _folded(statements: Sequence[Statement], longest: int, wrap: bool) -> tuple[Item, ...]:
    row = _Row(statements)
    _fold_repetitions(row, longest)
    if wrap:
        _wrap_single_turns(row)
    while _fold_variations(row):
        pass
    _fold_repetitions(row, LONGEST)
    return tuple(_unwrapped(row.items))


def cost(items: Sequence[Item]) -> float:
    """Lines to read, and half a line for every variable of a loop."""
    total = 0.0
    for item in items:
        total += 1
        if isinstance(item, Loop):
            total += cost(item.body) + 0.5 * len(columns(item.rows, item.called)[0])
    return total


def arguments(item: Item) -> tuple[Any, ...]:
    """What may differ between two turns: a statement's arguments; of a loop the number of its turns, and its body's."""
    if isinstance(item, Statement):
        return tuple(item.arguments.values())
    if item.is_plain:
        return (len(item.rows), *item.rows[0])
    return ()


def names(item: Item) -> tuple[str, ...]:
    """What the values of `arguments` are called."""
    if isinstance(item, Statement):
        return tuple(item.arguments)
    if item.is_plain:
        return ("repeats", *[name for each in item.body for name in names(each)])
    return ()


def _shape(item: Item) -> Hashable:
    """What has to be the same in two turns of a loop."""
    if isinstance(item, Statement):
        return item.target, item.kind, item.inputs, tuple(item.arguments), item.layer
    body = tuple(_shape(each) for each in item.body)
    # The values of a loop that varies stay inside it.
    return ("loop", body) if item.is_plain else ("loop", body, _frozen(item.rows))


def _frozen(value: object) -> Hashable:
    return repr(value)


class _Row:
    """The items that are being folded, each with numbers for what is compared of it, so that they are made out once."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self._known: dict[Hashable, int] = {}
        self.items: list[Item] = list(statements)
        self.shapes = [self.number(_shape(item)) for item in statements]
        self.values = [self.numbers(arguments(item)) for item in statements]
        self.lines = [1] * len(statements)

    def number(self, value: Hashable) -> int:
        """The same number for what is equal."""
        return self._known.setdefault(value, len(self._known))

    def numbers(self, values: Iterable[object]) -> tuple[int, ...]:
        """A number for each value."""
        return tuple([self.number(_frozen(value)) for value in values])

    @property
    def exacts(self) -> list[int]:
        """For each item what has to be the same where it repeats without any change."""
        return [self.number(pair) for pair in zip(self.shapes, self.values, strict=True)]

    def fold(self, start: int, length: int, turns: int) -> None:
        """Put a loop in the place of some turns."""
        place = slice(start, start + turns * length)
        lines = 1 + sum(self.lines[start : start + length])
        loop = Loop(tuple(self.items[start : start + length]), tuple(_rows(self.items, start, length, turns)))
        self.items[place] = [loop]
        self.shapes[place] = [self.number(_shape(loop))]
        self.values[place] = [self.numbers(arguments(loop))]
        self.lines[place] = [lines]

    def tables(self, start: int, length: int, turns: int) -> dict[tuple[int, ...], tuple[int, int]]:
        """What the arguments of a body are from turn to turn, each table once, and whose they are: item and place."""
        found: dict[tuple[int, ...], tuple[int, int]] = {}
        for item in range(start, start + length):
            for place, table in enumerate(zip(*self.values[item : start + turns * length : length], strict=True)):
                found.setdefault(table, (item, place))
        return found

    def variables(self, start: int, length: int, turns: int) -> int:
        """How many variables a loop would have."""
        tables: list[tuple[Any, ...]] = []
        for table, (item, place) in self.tables(start, length, turns).items():
            if len(set(table)) > 1:
                tables.append(
                    tuple([arguments(each)[place] for each in self.items[item : start + turns * length : length]])
                )
        return len(_independent(dict(enumerate(tables))))


def _first(item: Item) -> Statement:
    return item if isinstance(item, Statement) else _first(item.body[0])


def _last(item: Item) -> Statement:
    return item if isinstance(item, Statement) else _last(item.body[-1])


def _opening(items: Sequence[Item], position: int) -> int:
    """How natural a beginning this is: blocks that begin here, a value kept, a layer with filters of its own."""
    first = _first(items[position])
    before = _last(items[position - 1]).scopes if position else ()
    begun = sum(scope not in before for scope in first.scopes)
    return 8 * begun + 2 * (first.kind is None) + ("filters" in first.arguments)


class _Keys:
    """Numbers of items in a row, as one whole number, so that all of them are compared with others at once."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._count = len(numbers)
        self._all = int.from_bytes(struct.pack(f"<{len(numbers)}I", *numbers), "little")

    def runs(self, length: int) -> list[tuple[int, int]]:
        """Stretches (start, stop) in which everything returns after `length` places, at least once as a whole."""
        compared = self._count - length
        if compared < length:
            return []
        apart = (self._all ^ (self._all >> 32 * length)) & ((1 << 32 * compared) - 1)
        differing = apart.to_bytes(4 * compared, "little")
        if bytes(4 * length) not in differing:
            return []
        found: list[tuple[int, int]] = []
        start = 0
        for position, (number,) in enumerate((*struct.iter_unpack("<I", differing), (1,))):
            if number:
                if position - start >= length:
                    found.append((start, position + length))
                start = position + 1
        return found


def _best_start(row: _Row, start: int, stop: int, length: int) -> int:
    """Of the places where as many turns can begin, the most natural one: of two alike that with fewer variables."""
    turns = (stop - start) // length
    openings = {
        position: _opening(row.items, position) for position in range(start, start + (stop - start) % length + 1)
    }
    best = max(openings.values())
    positions = [position for position, opening in openings.items() if opening == best]
    return min(positions, key=lambda each: len(row.tables(each, length, turns))) if len(positions) > 1 else positions[0]


def _fold_repetitions(row: _Row, longest: int) -> None:
    """Fold what repeats without any change, the shortest first, so that loops stand inside loops."""
    changed = True
    while changed:
        changed = False
        length = 1
        keys = _Keys(row.exacts)
        while length <= min(len(row.items) // 2, longest):
            found = keys.runs(length)
            if length == 1:
                found = [run for run in found if isinstance(row.items[run[0]], Statement)]
            if not found:
                length += 1
                continue
            start, stop = min(found, key=lambda run: (sum(row.lines[run[0] : run[0] + length]), run))
            row.fold(_best_start(row, start, stop, length), length, (stop - start) // length)
            keys = _Keys(row.exacts)
            changed = True


def _rows(items: Sequence[Item], start: int, length: int, turns: int) -> list[tuple[Any, ...]]:
    return [
        tuple(value for item in items[begin : begin + length] for value in arguments(item))
        for begin in range(start, start + turns * length, length)
    ]


def _wrap_single_turns(row: _Row) -> None:
    """Where the body of a loop also stands alone, make it a loop of one turn: it may fold with the others then."""
    loops = [item for item in row.items if isinstance(item, Loop) and item.is_plain]
    bodies = dict.fromkeys([tuple([row.number(_shape(each)) for each in loop.body]) for loop in loops])
    for body in sorted(bodies, key=len, reverse=True):
        if len(body) < 2:
            continue
        position = 0
        while position + len(body) <= len(row.items):
            if row.shapes[position] == body[0] and tuple(row.shapes[position : position + len(body)]) == body:
                row.fold(position, len(body), 1)
            position += 1


class _Variation(NamedTuple):
    """What repeats with other numbers: a stretch, and the loop that it would become."""

    stretch: tuple[int, int]
    length: int
    variables: int


def _fold_variations(row: _Row) -> bool:
    """Fold, of all that repeats with other numbers, what saves the most lines; False where nothing does."""
    best: tuple[int, int, int, int] | None = None
    keys = _Keys(row.shapes)
    shorter: list[_Variation] = []
    for length in range(1, min(len(row.items) // 2, LONGEST) + 1):
        for start, stop in keys.runs(length):
            # Two turns in one save as many lines less as they have more: only fewer variables could make up for it.
            if any(
                length % each.length == 0
                and length - each.length >= each.variables
                and each.stretch[0] <= start
                and stop <= each.stretch[1]
                for each in shorter
            ):
                continue
            stretch = start, stop
            turns = (stop - start) // length
            # Wherever a turn begins, it has the same lines: to find the best place takes long.
            lines = sum(row.lines[start : start + length])
            if best is not None and lines * (turns - 1) - 1 <= best[0]:
                continue  # without a single variable it would save no more
            start = _best_start(row, start, stop, length)
            variables = row.variables(start, length, turns)
            if variables > MOST_VARIABLES:
                continue
            shorter.append(_Variation(stretch, length, variables))
            saved = lines * (turns - 1) - 1 - variables
            if saved > 1 and (best is None or saved > best[0]):
                best = saved, start, length, turns
    if best is None:
        return False
    row.fold(*best[1:])
    return True


def _lines(item: Item) -> int:
    return 1 if isinstance(item, Statement) else 1 + sum(map(_lines, item.body))


def _unwrapped(items: Sequence[Item]) -> Iterator[Item]:
    """Undo loops that save nothing: of one turn, or of two turns of a single line."""
    for item in items:
        if isinstance(item, Loop) and (len(item.rows) == 1 or (len(item.rows) == 2 and _lines(item) == 2)):
            for row in item.rows:
                yield from _unwrapped(with_arguments(item.body, row))
        elif isinstance(item, Loop):
            yield item
        else:
            yield item


def with_arguments(body: Sequence[Item], row: Sequence[Any]) -> tuple[Item, ...]:
    """The items of a body with the values of one turn."""
    found: list[Item] = []
    values = list(row)
    for item in body:
        count = len(arguments(item))
        mine, values = values[:count], values[count:]
        if isinstance(item, Statement):
            found.append(replace(item, arguments=dict(zip(item.arguments, mine, strict=True))))
        elif item.is_plain:
            found.append(Loop(with_arguments(item.body, mine[1:]), (tuple(mine[1:]),) * mine[0]))
        else:
            found.append(item)
    return tuple(found)


@dataclass(frozen=True)
class Scaled:
    """A loop's variable, or a whole multiple of it."""

    times: int
    variable: str

    def __repr__(self) -> str:
        return self.variable if self.times == 1 else f"{self.times} * {self.variable}"


def columns(
    rows: Sequence[Sequence[object]], called: Sequence[str], taken: Collection[str] = ()
) -> tuple[dict[str, tuple[Any, ...]], list[object]]:
    """What changes from turn to turn, as variables with their values; and each argument in terms of them."""
    tables = list(zip(*rows, strict=True))
    changing = [place for place, table in enumerate(tables) if len({*map(_frozen, table)}) > 1]
    own = _independent({place: tables[place] for place in changing})
    variables: dict[str, tuple[Any, ...]] = {}
    variable_of: dict[int, str] = {}
    said: list[Any] = []
    for place, table in enumerate(tables):
        if place not in changing:
            said.append(table[0])
            continue
        found = _in_terms_of(table, own)
        assert found is not None
        base, times = found
        if base not in variable_of:
            variable_of[base] = _free(called[base], {*taken, *variables})
            variables[variable_of[base]] = own[base]
        said.append(Scaled(times, variable_of[base]))
    return variables, said


def _independent(tables: Mapping[int, tuple[Any, ...]]) -> dict[int, tuple[Any, ...]]:
    """Those that are no whole multiples of others, by their place."""
    # The smallest numbers first: others may be multiples of theirs.
    own: dict[int, tuple[Any, ...]] = {}
    for place in sorted(tables, key=lambda place: _size(tables[place])):
        if _in_terms_of(tables[place], own) is None:
            own[place] = tables[place]
    return own


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}{number}"
    return free


def _size(table: tuple[Any, ...]) -> tuple[int, float]:
    numbers = all(type(value) is int for value in table)
    return (0, sum(table)) if numbers else (1, 0.0)


def _in_terms_of(table: tuple[Any, ...], own: dict[int, tuple[Any, ...]]) -> tuple[int, int] | None:
    """The table of which this one is a whole multiple, by its place, and the multiple."""
    for place, values in own.items():
        if _frozen(values) == _frozen(table):
            return place, 1
        if all(type(value) is int and value for value in (*table, *values)):
            times = table[0] // values[0]
            if times > 1 and all(value == times * base for value, base in zip(table, values, strict=True)):
                return place, times
    return None
