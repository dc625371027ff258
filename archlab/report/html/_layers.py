"""One architecture in tables: a row for each layer, a row for each stage."""

from __future__ import annotations

from dataclasses import replace

from archlab.analysis import Result
from archlab.analysis.static.outline import groups
from archlab.report._architecture import layers_table
from archlab.report.html._grid import Grid, grid
from archlab.report.html._page import slug


def layers(result: Result) -> Grid:
    """Every layer with what is counted, and with its gradients."""
    found = grid(layers_table(result, "layer", place="page"), f"Layers of {result.name}", tall=True)
    return replace(found, anchors=tuple(anchor(result.name, row[0].text.strip()) for row in found.rows))


def anchor(net: str, layer: str) -> str:
    """The anchor of a layer's row."""
    return f"row-{slug(net)}-{slug(layer)}"


def stages(result: Result) -> Grid | None:
    """What each stage costs; None where the architecture has no stages."""
    if len(groups(result.analysis.graph, "stage")) < 2:
        return None
    return grid(layers_table(result, "stage"), f"Stages of {result.name}")
