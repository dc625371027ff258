"""Finds what repeats in a list of statements and writes it as loops. Unrolled, the loops are the same list again."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from archlab.codegen._statements import Statement

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

    @property
    def called(self) -> list[str]:
        """What the values of a row are called."""
        return [name for item in self.body for name in names(item)]

    @property
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
    items: list[Item] = list(statements)
    _fold_repetitions(items, longest)
    if wrap:
        _wrap_single_turns(items)
    while _fold_variations(items):
        pass
    _fold_repetitions(items, LONGEST)
    return tuple(_unwrapped(items))


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


def _frozen(value: Any) -> Hashable:
    return repr(value)


def _exact(item: Item) -> Hashable:
    return _shape(item), _frozen(arguments(item))


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


def _numbered(keys: Sequence[Hashable]) -> list[int]:
    seen: dict[Hashable, int] = {}
    return [seen.setdefault(key, len(seen)) for key in keys]


def _runs(keys: Sequence[int], length: int) -> Iterator[tuple[int, int]]:
    """Stretches (start, stop) in which everything returns after `length` places, at least once as a whole."""
    start = None
    for position in range(len(keys) - length + 1):
        same = position + length < len(keys) and keys[position] == keys[position + length]
        if same and start is None:
            start = position
        elif not same and start is not None:
            if position - start >= length:
                yield start, position + length
            start = None


def _best_start(items: Sequence[Item], start: int, stop: int, length: int) -> int:
    """Of the places where as many turns can begin, the most natural one."""
    turns = (stop - start) // length

    def natural(position: int) -> tuple[int, int, int]:
        tables = {_frozen(table) for table in zip(*_rows(items, position, length, turns), strict=True)}
        return _opening(items, position), -len(tables), -position

    return max(range(start, start + (stop - start) % length + 1), key=natural)


def _fold_repetitions(items: list[Item], longest: int) -> None:
    """Fold what repeats without any change, the shortest first, so that loops stand inside loops."""
    changed = True
    while changed:
        changed = False
        length = 1
        while length <= min(len(items) // 2, longest):
            keys = _numbered([_exact(item) for item in items])
            found = [run for run in _runs(keys, length) if length > 1 or isinstance(items[run[0]], Statement)]
            if not found:
                length += 1
                continue
            start, stop = min(found, key=lambda run: (sum(map(_lines, items[run[0] : run[0] + length])), run))
            _replace(items, _best_start(items, start, stop, length), length, (stop - start) // length)
            changed = True


def _rows(items: Sequence[Item], start: int, length: int, turns: int) -> list[tuple[Any, ...]]:
    return [
        tuple(value for item in items[begin : begin + length] for value in arguments(item))
        for begin in range(start, start + turns * length, length)
    ]


def _replace(items: list[Item], start: int, length: int, turns: int) -> None:
    loop = Loop(tuple(items[start : start + length]), tuple(_rows(items, start, length, turns)))
    items[start : start + turns * length] = [loop]


def _wrap_single_turns(items: list[Item]) -> None:
    """Where the body of a loop also stands alone, make it a loop of one turn: it may fold with the others then."""
    bodies = {tuple(_shape(each) for each in item.body) for item in items if isinstance(item, Loop) and item.is_plain}
    for body in sorted(bodies, key=len, reverse=True):
        if len(body) < 2:
            continue
        position = 0
        while position + len(body) <= len(items):
            if tuple(_shape(each) for each in items[position : position + len(body)]) == body:
                _replace(items, position, len(body), 1)
            position += 1


def _fold_variations(items: list[Item]) -> bool:
    """Fold, of all that repeats with other numbers, what saves the most lines; False where nothing does."""
    best: tuple[int, int, int, int] | None = None
    keys = _numbered([_shape(item) for item in items])
    for length in range(1, min(len(items) // 2, LONGEST) + 1):
        for start, stop in _runs(keys, length):
            start = _best_start(items, start, stop, length)
            turns = (stop - start) // length
            body = items[start : start + length]
            called = [name for item in body for name in names(item)]
            variables = len(columns(_rows(items, start, length, turns), called)[0])
            saved = sum(map(_lines, body)) * (turns - 1) - 1 - variables
            if variables <= MOST_VARIABLES and saved > 1 and (best is None or saved > best[0]):
                best = saved, start, length, turns
    if best is None:
        return False
    _replace(items, *best[1:])
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
    rows: Sequence[Sequence[Any]], called: Sequence[str], taken: Collection[str] = ()
) -> tuple[dict[str, tuple[Any, ...]], list[Any]]:
    """What changes from turn to turn, as variables with their values; and each argument in terms of them."""
    tables = list(zip(*rows, strict=True))
    changing = [place for place, table in enumerate(tables) if len({*map(_frozen, table)}) > 1]
    # The smallest numbers first: others may be multiples of theirs.
    own: dict[int, tuple[Any, ...]] = {}
    for place in sorted(changing, key=lambda place: _size(tables[place])):
        if _in_terms_of(tables[place], own) is None:
            own[place] = tables[place]
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
