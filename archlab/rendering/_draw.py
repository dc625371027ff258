from __future__ import annotations

from archlab.analysis import GradientFlow
from archlab.errors import UsageError, did_you_mean
from archlab.graph import Graph
from archlab.rendering._colouring import KIND, check_color
from archlab.rendering._columns import Direction, check_direction, read_aspect
from archlab.rendering._drawing import GraphDrawing
from archlab.rendering._graph import LEVELS, Level, graph_picture
from archlab.rendering._layout import ENGINES, Engine


def draw(
    graph: Graph,
    level: Level = "block",
    color: str = KIND,
    only: str = "",
    flow: GradientFlow | None = None,
    name: str = "",
    engine: Engine = "pip",
    direction: Direction = "down",
    aspect: str | None = "none",
) -> GraphDrawing:
    """Draw a graph. See `archlab.render`, which takes whatever names an architecture.

    >>> from archlab import load
    >>> drawing = draw(load("residual").graph, level="stage")
    >>> [box.title for box in drawing.picture.boxes]
    ['Input', 'stem', 'stage1', 'stage2', 'stage3', 'stage4', 'stage5', 'head']
    """
    check_drawing(level, color, engine, flow is not None)
    check_direction(direction)
    return GraphDrawing(graph_picture(graph, level, color, only, flow, name), engine, direction, read_aspect(aspect))


def check_drawing(level: str, color: str, engine: str, measured: bool = False) -> None:
    """Refuse what a graph cannot be drawn by, before any work is done for it.

    Raises:
        UsageError: naming the closest of what it can.
    """
    if level not in LEVELS:
        raise UsageError(f"level {level!r}: {did_you_mean(level, LEVELS)}")
    if engine not in ENGINES:
        raise UsageError(f"engine {engine!r}: {did_you_mean(engine, ENGINES)}")
    check_color(color, measured)
