"""Receptive fields in pixels of the input (Araujo et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence

from archlab.analysis._state import WHOLE_IMAGE, State, Value, nothing
from archlab.analysis.quantities._quantity import QUANTITIES, Quantity, Subject
from archlab.analysis.static.receptive_field import FieldRow
from archlab.units import EXACT, EXTENT, PIXELS, WORDS, Number, format_share


def _size(subject: Subject) -> Value:
    row = subject.analysis.receptive_field.last
    if row is None or row.size is None:
        return nothing()
    shares = [share for share in row.coverage or () if share is not None]
    state = State.LOWER_BOUND if row.state is State.UNKNOWN else State.COUNTED
    return Value(row.size, state, f" ({format_share(min(shares), 0)})" if shares else "")


def _sizes(subject: Subject) -> Sequence[Value]:
    found: list[Value] = []
    for row in subject.analysis.receptive_field.layers:
        unknown = row.state is State.UNKNOWN
        if row.size is None:
            words = WHOLE_IMAGE if row.whole else ""
            found.append(Value(None, State.UNKNOWN if unknown and not words else State.FREE, words=words))
        else:
            state = State.LOWER_BOUND if unknown else State.COUNTED
            found.append(Value(row.size, state, " *" if row.whole else ""))
    return found


def _stride(subject: Subject) -> Value:
    row = subject.analysis.receptive_field.last
    return nothing() if row is None else _placed(row, row.stride)


def _placed(row: FieldRow, value: tuple[Number | None, ...] | None) -> Value:
    """What says where units look; behind a layer without a rule that is not known, as no bound holds for it."""
    if value is None:
        return nothing()
    return Value(None, State.UNKNOWN) if row.state is State.UNKNOWN else Value(value)


def _strides(subject: Subject) -> Sequence[Value]:
    rows = subject.analysis.receptive_field.layers
    return [_placed(row, row.stride) for row in rows]


def _start(subject: Subject) -> Value:
    row = subject.analysis.receptive_field.last
    if row is None or row.start is None:
        return nothing()
    return Value(None, State.UNSIZED) if None in row.start else _placed(row, row.start)


def _covering(subject: Subject) -> Value:
    field = subject.analysis.receptive_field
    if field.last is None:
        return nothing()
    unknown = field.last.state is State.UNKNOWN
    if field.covering and not (unknown and field.seen[field.graph.position(field.covering)].unknown):
        return Value(field.covering)
    if unknown:
        return Value(None, State.UNKNOWN)  # a field that is larger may cover the image earlier
    sized = field.input is not None and None not in field.input[:-1]
    return Value("none") if sized else Value(None, State.UNSIZED)


def _misaligned(subject: Subject) -> Value:
    field = subject.analysis.receptive_field
    sure, undecided = len(field.misaligned), len(field.undecided)
    if field.last is not None and field.last.state is State.UNKNOWN:
        return Value(sure, State.LOWER_BOUND) if sure else Value(None, State.UNKNOWN)
    if undecided:
        return Value(sure, State.LOWER_BOUND) if sure else Value(None, State.UNSIZED)
    return Value(sure)


QUANTITIES.add(
    Quantity(
        "receptive_field",
        "receptive field (px)",
        EXTENT,
        "Pixels of the input, for each axis, that a unit of the last layer before the head depends on; in parentheses "
        "the coverage, the share of the input. A star: through a gate or normalization, the whole image too.",
        whole=_size,
        layers=_sizes,
        combine="last",
        better="higher",
        places=frozenset(("compare", "diff", "layers", "groups", "page")),
        key="receptive_field.size",
        leading=True,
    )
)
QUANTITIES.add(
    Quantity(
        "stride",
        "stride (px)",
        PIXELS,
        "Pixels of the input between the receptive fields of neighbouring units.",
        whole=_stride,
        layers=_strides,
        combine="last",
        parent="receptive field (px)",
        short="stride (px)",
        places=frozenset(("compare", "page")),
        key="receptive_field.stride",
        record="receptive_field_stride",
        state_record="",
    )
)
QUANTITIES.add(
    Quantity(
        "start_offset",
        "start offset (px)",
        PIXELS,
        "The first pixel of the first unit's receptive field; negative where it lies in the padding.",
        whole=_start,
        parent="receptive field (px)",
        short="start offset (px)",
        places=frozenset(("compare",)),
        key="receptive_field.start",
    )
)
QUANTITIES.add(
    Quantity(
        "covering",
        "first layer covering the input",
        WORDS,
        "The first layer whose receptive field is at least as large as the input on every axis (Richter et al. 2021).",
        whole=_covering,
        parent="receptive field (px)",
        short="first layer covering the input",
        places=frozenset(("compare",)),
        key="",
    )
)
QUANTITIES.add(
    Quantity(
        "misaligned_merges",
        "misaligned merges",
        EXACT,
        "Merges whose branches have receptive fields centred on different pixels, or of different strides.",
        whole=_misaligned,
        better="lower",
        places=frozenset(("compare",)),
        key="",
        worth_a_row=False,
    )
)
