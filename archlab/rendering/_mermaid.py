"""A picture as a Mermaid flow chart, which GitHub, GitLab and many Markdown readers draw."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.rendering._colors import INK, TINTS, ramp
from archlab.rendering._dot import SIGNS
from archlab.rendering._picture import Box, Edge, Part, Picture
from archlab.rendering._plain import plain

_SAFE = " ,.()×·–−~"
_ARROWS = {"flow": "-->", "shortcut": "-.->", "skip": "-.->"}


def to_mermaid(picture: Picture, direction: str = "down") -> str:
    """The picture as a flow chart: the same picture gives the same text."""
    lines = [
        f"flowchart {'LR' if direction == 'right' else 'TD'}",
        f"    accTitle: {_line(picture.title)}",
        f"    accDescr: {_line(picture.caption)}",
    ]
    for part in picture.parts:
        lines += [f"    {line}" for line in _part(part)]
    lines += [f"    {_edge(edge)}" for edge in picture.edges]
    kinds = dict.fromkeys(box.mark or box.kind for box in picture.boxes if box.value is None)
    for kind in kinds:
        lines.append(f"    classDef {kind} fill:{TINTS[kind].fill},stroke:{TINTS[kind].line},color:{INK}")
    for box in picture.boxes:
        if box.value is not None:
            fill, ink = ramp(box.value)
            lines.append(f"    style {box.id} fill:{fill},color:{ink}")
    return "\n".join(lines) + "\n"


def _part(part: Part) -> Iterator[str]:
    if isinstance(part, Box):
        words = "<br>".join(_text(line) for line in (SIGNS[part.mark] + part.title, *part.lines) if line)
        left, right = ("([", "])") if part.small else ("[", "]")
        css = f":::{part.mark or part.kind}" if part.value is None else ""
        yield f'{part.id}{left}"{words or " "}"{right}{css}'
        return
    times = f"  × {part.times}" if part.times > 1 else ""
    title = f"{_text(part.title)}{times}" if part.title else " "
    yield f'subgraph {part.id}["{title}"]'
    for each in part.parts:
        yield from (f"    {line}" for line in _part(each))
    yield "end"


def _edge(edge: Edge) -> str:
    label = f'|"{_text(edge.label)}"|' if edge.label else ""
    return f"{edge.tail} {_ARROWS[edge.kind]}{label} {edge.head}"


def _text(text: str) -> str:
    """Text inside quotes, shown as it is: Mermaid reads HTML and Markdown there, and character references as `#60;`."""
    return "".join(
        letter if letter.isalnum() or letter in " ,.()×·–−~" else f"#{ord(letter)};" for letter in plain(text)
    )


def _line(text: str) -> str:
    """A line of its own, in which Mermaid knows no references: what might be more than text is left out."""
    return "".join(letter if letter.isalnum() or letter in f"{_SAFE}:/_=" else " " for letter in plain(text)).strip()
