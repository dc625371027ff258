"""Pictures of whatever names an architecture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from archlab.analysis import analyze
from archlab.errors import UsageError, did_you_mean
from archlab.rendering._columns import Direction, check_direction, read_aspect
from archlab.rendering._draw import check_drawing, draw
from archlab.rendering._drawing import Drawing
from archlab.rendering._field_view import field_view
from archlab.rendering._graph import Level
from archlab.rendering._layout import Engine
from archlab.rendering._photo import embedded_photo
from archlab.rendering._pyramid import pyramid
from archlab.sources import Reference, load

if TYPE_CHECKING:
    from archlab.analysis._flow import GradientFlow

View: TypeAlias = Literal["graph", "pyramid", "receptive-field"]
VIEWS: tuple[View, ...] = ("graph", "pyramid", "receptive-field")


def render(
    architecture: Reference,
    level: Level | None = None,
    *,
    view: View = "graph",
    color: str | None = None,
    only: str | None = None,
    flow: GradientFlow | None = None,
    layer: str | None = None,
    image: str | Path | None = None,
    input: Sequence[int | None] | None = None,
    engine: Engine = "pip",
    direction: Direction | None = None,
    aspect: str | None = None,
) -> Drawing:
    """Draw an architecture. Nothing has to be installed for it, and nothing is built.

    The graph shows stages and blocks as the architecture names them; in a model that names none, such as one read from
    Keras, they are found: blocks where paths part and meet again, and where layers repeat; stages by the size of the
    maps. Equal blocks that follow one another are drawn once. Shortcuts are dashed, skip
    connections around other blocks dotted. Shapes stand on arrows where they change; values are those of `analyze`.

    Args:
        architecture: a name of the zoo, a part, a graph, a live Keras model, a file.
        level: what a box of the graph is: 'stage', 'block' (by default) or 'layer'.
        view: 'graph'; 'pyramid', the feature maps drawn to scale with the receptive field of a unit;
            or 'receptive-field', the fields of all stages laid over the input.
        color: what the boxes of the graph are coloured by: 'kind' (by default), 'params', 'macs', 'receptive-field'
            or 'gradient', the activation gradient.
        only: one stage or block of the graph, by its name, drawn alone.
        flow: a measured gradient flow of this architecture to colour by; predicted by default.
        layer: whose central unit is shown in the pyramid or over the input; the last one with a place by default.
        image: an image to show on the input of these two: JPEG, PNG or GIF, stretched to the shape of the input.
        input: another input shape, (height, width) or (height, width, channels).
        engine: what lays out the graph: 'pip', the package that came with archlab, or 'system', the `dot` of a Graphviz
            that is installed.

        direction: where the graph runs: 'down' (by default) or 'right', as slides are read.
        aspect: the graph's width to its height, '16:9': it is cut into columns (into rows, where it runs to the right),
            and what is left is margin. By default a graph that is long and narrow fills a page; 'none' leaves it whole.

    Returns:
        A drawing: it shows itself in a notebook, has `.svg`, `.png()` and `.pdf()`; of a graph `.dot`, `.mermaid` and
        `.picture`, its boxes and arrows as plain data; of the others `.tex`, TikZ for LaTeX; `.save(path)` writes any
        of them, by the suffix.

    Raises:
        UnknownNameError: the reference names nothing, or there is no such layer, stage or block.
        DesignError: the architecture does not add up.
        UsageError: an option has no such value, or does not go with the view.
        DataError: the image cannot be used.

    >>> drawing = render("residual")
    >>> [box.title for box in drawing.picture.boxes][:4]
    ['Input', 'stem', 'block1', '']
    >>> drawing.mermaid.splitlines()[0], drawing.svg[:4]
    ('flowchart TD', '<svg')
    """
    if view not in VIEWS:
        raise UsageError(f"view {view!r}: {did_you_mean(view, VIEWS)}")
    of_graph = {"level": level, "color": color, "only": only, "flow": flow, "direction": direction, "aspect": aspect}
    _check_options(view, of_graph, {"layer": layer, "image": image})
    check_drawing(level or "block", color or "kind", engine, flow is not None)
    check_direction(direction or "down")
    read_aspect(aspect)
    found = load(architecture, input)
    if view == "graph":
        return draw(
            found.graph,
            level or "block",
            color or "kind",
            only or "",
            flow,
            found.name,
            engine,
            direction or "down",
            aspect,
        )
    photo = "" if image is None else embedded_photo(image)
    make = pyramid if view == "pyramid" else field_view
    return make(found.graph, analyze(found.graph), found.name, layer, photo)


def _check_options(view: View, of_graph: dict[str, object], of_maps: dict[str, object]) -> None:
    """Refuse what the view would not show."""
    wrong = of_maps if view == "graph" else of_graph
    for name, value in wrong.items():
        if value is not None:
            others = " and ".join(each for each in VIEWS if (each == "graph") != (view == "graph"))
            raise UsageError(f"{name} {value!r}: is for the view {others}, not for {view}")
