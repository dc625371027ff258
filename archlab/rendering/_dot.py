"""A picture as DOT, the language of Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.rendering._colors import FRAME, INK, PAPER, STEPS, TINTS, ramp
from archlab.rendering._picture import Box, Edge, Part, Picture, Scale
from archlab.rendering._plain import escaped, plain

if TYPE_CHECKING:
    import graphviz

FONT = "Helvetica"
"""By this name graphviz-pure knows how wide letters are; of a list of fonts it measures another one."""
_SIZE, _SMALL = "12", "10"
_GAP = '<font point-size="3"> </font>'
"""Between a title and the smaller lines below it, which would touch it."""
SIGNS = {"": "", "kept": "", "added": "+ ", "removed": "− ", "changed": "~ "}
"""What stands before the title of a box for what a comparison says of it: colours are never all."""


def to_dot(picture: Picture, direction: str = "down") -> str:
    """The picture as DOT, from above or from the left on: the same picture gives the same text."""
    import graphviz

    # A name between < and > would be taken for DOT's HTML.
    dot = graphviz.Digraph(name=graphviz.nohtml(plain(picture.title)), comment=plain(picture.caption))
    words = {"fontname": FONT, "fontcolor": INK}
    dot.attr(
        "graph",
        **words, fontsize=_SIZE, bgcolor=PAPER, rankdir="LR" if direction == "right" else "TB",
        newrank="true", nodesep="0.3", ranksep="0.35", pad="0.2",
    )  # fmt: skip
    dot.attr(
        "node", shape="box", style="filled,rounded", margin="0.14,0.08", fontname=FONT, fontsize=_SIZE, fontcolor=INK
    )
    dot.attr("edge", fontname=FONT, fontsize=_SMALL, fontcolor=INK, color=INK, arrowsize="0.7")
    straight = spine(picture)
    for part in picture.parts:
        _part(dot, part, straight)
    for edge in picture.edges:
        ends = {"arrowhead": "none"} if edge.head.startswith("out") else {}
        dot.edge(edge.tail, edge.head, **_edge(edge), **ends)
    if picture.scale:
        _legend(dot, picture.scale)
    return dot.source


def spine(picture: Picture) -> frozenset[str]:
    """The boxes that every way through the layers leads through, which stand in one straight line."""
    boxes = picture.boxes
    place = {box.id: number for number, box in enumerate(boxes)}
    passed: set[str] = set()
    for edge in picture.edges:
        if edge.kind == "flow":
            passed.update(box.id for box in boxes[place[edge.tail] + 1 : place[edge.head]])
    return frozenset(place) - passed


def _part(dot: graphviz.Digraph, part: Part, straight: frozenset[str]) -> None:
    if isinstance(part, Box):
        # Graphviz keeps nodes of one group in line.
        dot.node(part.id, **_box(part), **({"group": "spine"} if part.id in straight else {}))
        return
    with dot.subgraph(name=f"cluster_{part.id}") as inner:  # pyright: ignore[reportOptionalContextManager]
        style = {"stage": "rounded", "block": "rounded", "repeat": "rounded,dashed"}[part.kind]
        words = [_bold(part.title)] if part.kind == "stage" or part.times > 1 else [escaped(part.title)]
        if part.times > 1 and part.title:
            words.append(_bold(f"× {part.times}"))
        label = f"<{'&#160;&#160; '.join(filter(None, words))}>" if any(words) else ""
        inner.attr("graph", label=label, labeljust="l", style=style, color=FRAME, margin="10")
        inner.attr("graph", **{"class": f"frame {part.kind}"})
        for each in part.parts:
            _part(inner, each, straight)


def _box(box: Box) -> dict[str, str]:
    if box.kind == "turn":
        return {"shape": "point", "width": "0.01", "label": "", "id": box.id, "class": "turn"}
    key = box.mark or box.kind
    tint = TINTS[key]
    fill, ink, css = tint.fill, INK, f"box {key}"
    if box.value is not None:
        fill, ink = ramp(box.value)
        css = f"box valued {'on-dark' if ink != INK else 'on-light'}"
    elif box.small:
        css += " point"
    title = SIGNS[box.mark] + box.title
    lines = [escaped(title) if box.small else _bold(title)] if title else []
    if title and any(box.lines):
        lines.append(_GAP)
    lines += [f'<font point-size="{_SMALL}">{escaped(line)}</font>' for line in box.lines if line]
    label = f"<{'<br/>'.join(lines) or ' '}>"
    look = {"label": label, "fillcolor": fill, "color": tint.line, "class": css}
    if ink != INK:
        look["fontcolor"] = ink
    if box.small:
        look |= {"margin": "0.08,0.03", "height": "0.3", "width": "0.3"}
    if key in ("removed", "unknown", "outside"):
        look["style"] = "filled,rounded,dashed"
    return look | {"id": box.id}


def _edge(edge: Edge) -> dict[str, str]:
    look = {
        "flow": {"weight": "4"},
        "shortcut": {"style": "dashed", "penwidth": "1.4"},
        "skip": {"style": "dotted", "penwidth": "1.4"},
    }[edge.kind]
    found: dict[str, str] = {**look, "class": " ".join(filter(None, ("arrow", edge.kind, edge.mark)))}
    if edge.label:
        found["label"] = f"<&#160;{escaped(edge.label)}>"
    if edge.mark in ("added", "removed", "changed"):
        found["color"] = TINTS[edge.mark].line
    return found


def _legend(dot: graphviz.Digraph, scale: Scale) -> None:
    """The ramp as a row of cells, with what its ends stand for."""
    cells = "".join(f'<td bgcolor="{ramp(step / STEPS)[0]}" width="22" height="12"></td>' for step in range(STEPS))
    row = f"<td>{escaped(scale.low)}&#160;</td>{cells}<td>&#160;{escaped(scale.high)}</td>"
    title = f'<tr><td colspan="{STEPS + 2}">{escaped(f"{scale.title}, {scale.kind} scale")}</td></tr>'
    table = f'<<table border="0" cellborder="0" cellspacing="0">{title}<tr>{row}</tr></table>>'
    dot.node("legend", label=table, shape="plain", style="rounded", **{"class": "legend", "id": "legend"})


def _bold(text: str) -> str:
    return f"<b>{escaped(text)}</b>" if text else ""
