"""Graphviz's SVG made fit for a page: named for screen readers, with a dark mode, and nothing in it that could run."""

from __future__ import annotations

import re
from collections.abc import Mapping

from archlab.rendering._colors import DARK_FRAME, DARK_INK, DARK_PAPER, TINTS
from archlab.rendering._picture import Picture
from archlab.rendering._plain import FONTS, escaped

_TITLE = re.compile(r'(<g id="([^"]*)"[^>]*>\n)<title>[^<]*</title>\n')


def finished_svg(svg: str, picture: Picture) -> str:
    """The SVG that Graphviz made of a picture, finished."""
    svg = re.sub(r"<!--.*?-->\n?", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub('font-family="Helvetica[^"]*"', f'font-family="{FONTS}"', svg)
    names = {box.id: ", ".join(filter(None, (box.path, box.title, *box.lines))) for box in picture.boxes}
    # Graphviz names every group as DOT does, which says nothing to a reader: boxes are named after what they show.
    svg = _TITLE.sub(lambda found: found[1] + _title(names.get(found[2])), svg)
    start = svg.index(">") + 1
    opening = svg[:start].replace("<svg", '<svg class="archlab" role="img"', 1)
    head = f"{_title(picture.title)}<desc>{escaped(picture.caption)}</desc>\n<style>{STYLE}</style>"
    return f"{opening}\n{head}{svg[start:]}"


def _title(words: str | None) -> str:
    return f"<title>{escaped(words)}</title>\n" if words else ""


def _rules() -> str:
    dark = [f"text{{fill:{DARK_INK}}}", f".graph>polygon,.paper{{fill:{DARK_PAPER}}}"]
    dark += [f".frame>path{{fill:none;stroke:{DARK_FRAME}}}", f".arrow>path{{stroke:{DARK_INK}}}"]
    dark += [f".arrow>polygon{{fill:{DARK_INK};stroke:{DARK_INK}}}"]
    for (fill, line), kinds in _by_tint().items():
        boxes = ",".join(f".box.{kind}>path" for kind in kinds)
        dark.append(f"{boxes}{{fill:{fill};stroke:{line}}}")
    dark += [".on-light text{fill:#1a1a1a}", ".on-dark text{fill:#fff}"]
    scoped = "".join(f"svg.archlab {rule}" if "," not in rule.split("{")[0] else _scoped(rule) for rule in dark)
    return f"@media (prefers-color-scheme:dark){{{scoped}}}"


def _scoped(rule: str) -> str:
    selectors, _, body = rule.partition("{")
    return ",".join(f"svg.archlab {selector}" for selector in selectors.split(",")) + "{" + body


def _by_tint() -> Mapping[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for kind, tint in TINTS.items():
        found.setdefault((tint.dark_fill, tint.dark_line), []).append(kind)
    return found


STYLE = _rules()
"""The colours on a dark page. On a light one they stand on the shapes themselves, for readers that know no CSS."""
