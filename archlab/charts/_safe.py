"""Charts whose text stays text: a name of a layer that is written into a page runs nothing there."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeAlias
from uuid import uuid4

import altair as alt

from archlab.text import printable

_Given: TypeAlias = Any
"""What Altair's own methods take, handed on as it comes."""


class _Escaped(json.JSONEncoder):
    """JSON that can stand in a `<script>`: no tag begins or ends in it."""

    def encode(self, o: object) -> str:
        return super().encode(o).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _printable(value: object) -> _Given:
    """The same with every control character written out: in XML, and so in an SVG, there can be none."""
    if isinstance(value, dict):
        return {key: _printable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_printable(each) for each in value]
    return printable(value) if isinstance(value, str) else value


class _Safe(alt.TopLevelMixin):
    def to_dict(self, *args: _Given, **options: _Given) -> dict[str, _Given]:
        return _printable(super().to_dict(*args, **options))

    def to_html(self, *args: _Given, **options: _Given) -> str:
        return super().to_html(*args, **{**options, "json_kwds": _escaping(options)})

    def save(self, fp: str | Path | IO[_Given], *args: _Given, **options: _Given) -> None:
        if str(options.get("format", fp)).lower().endswith("html"):
            options.setdefault("inline", True)  # the page holds all that it needs: nothing is fetched from the network
        super().save(fp, *args, **{**options, "json_kwds": _escaping(options)})

    def _repr_mimebundle_(self, *args: _Given, **options: _Given) -> _Given:
        bundle = super()._repr_mimebundle_(*args, **options)
        found = bundle[0] if isinstance(bundle, tuple) else bundle
        if isinstance(found, dict) and "text/html" in found:
            found["text/html"] = self.to_html(output_div=f"altair-viz-{uuid4().hex}", template="universal")
        return bundle


def _escaping(options: dict[str, _Given]) -> dict[str, _Given]:
    return {"cls": _Escaped, **(options.get("json_kwds") or {})}


@cache
def _safe(kind: type[alt.TopLevelMixin]) -> type[alt.TopLevelMixin]:
    return type(kind.__name__, (_Safe, kind), {})


def safe(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    """The same chart; as a page, in a notebook and saved, what its data hold is text.

    >>> chart = safe(alt.Chart(alt.Data(values=[{"name": "</script>"}])).mark_point())
    >>> "\\"</script>" in chart.to_html()
    False
    """
    # Altair keeps what is set on a chart as a part of its specification.
    object.__setattr__(chart, "__class__", _safe(type(chart)))
    return chart
