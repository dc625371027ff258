"""TikZ: every shape of the SVG at its place; LaTeX itself is asked where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
import vl_convert

from archlab import render
from archlab.errors import UsageError

SVG = "{http://www.w3.org/2000/svg}"
PIXEL = vl_convert.svg_to_png('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')


@pytest.mark.parametrize("view", ["pyramid", "receptive-field"])
@pytest.mark.parametrize("name", ["residual", "resnet50"])
def test_every_shape_is_there(view, name: str) -> None:
    drawing = render(name, view=view)
    tex, root = drawing.written(".tex").decode(), ET.fromstring(drawing.svg)
    polygons = [each.get("points", "").split() for each in root.iter(f"{SVG}polygon")]
    drawn = [re.findall(r"\(([^)]+)\)", line) for line in tex.splitlines() if line.endswith("-- cycle;")]
    assert drawn == polygons
    assert tex.count(r"\node[") == len(list(root.iter(f"{SVG}text")))
    assert tex.count(r"\path[") == len(polygons) + len(list(root.iter(f"{SVG}line")))
    used = set(re.findall(r"(?:draw|fill)=(c[0-9a-f]{6})", tex))
    assert used == set(re.findall(r"\\definecolor\{(c[0-9a-f]{6})\}", tex)), "every colour is defined, once"
    assert tex.count("{") - tex.count(r"\{") == tex.count("}") - tex.count(r"\}")
    assert tex.isascii(), "signs are commands: every LaTeX reads them"


def test_only_drawings_of_shapes_are_written_as_tex(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"cannot be written as '.tex': choose from .svg, .png, .pdf, .dot"):
        render("residual").written(".tex")
    (tmp_path / "p.png").write_bytes(PIXEL)
    with pytest.raises(UsageError, match=r"an image cannot be written as '.tex'"):
        render("residual", view="pyramid", image=tmp_path / "p.png").written(".tex")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex, standalone and TikZ")
@pytest.mark.parametrize("view", ["pyramid", "receptive-field"])
def test_latex_compiles_it(view, tmp_path) -> None:
    render("residual", view=view).save(tmp_path / "x.tex")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-1500:]
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
