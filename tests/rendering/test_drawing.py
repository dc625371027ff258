"""What drawings are written as, with nothing installed but what pip installs."""

from __future__ import annotations

import shutil

import pytest

from archlab import load, render
from archlab.errors import DataError, MissingPartError, OutputError, UsageError
from archlab.rendering import draw

MAGIC = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<svg", ".dot": b"// ", ".gv": b"// ", ".mmd": b"flowchart TD"}


@pytest.mark.parametrize("suffix", MAGIC)
def test_every_form_without_graphviz_on_the_path(tmp_path, monkeypatch, suffix: str) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / f"net{suffix.upper()}"
    draw(load("residual").graph).save(file)
    assert file.read_bytes().startswith(MAGIC[suffix])
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_letters_are_in_the_pdf() -> None:
    """vl-convert leaves them out where it does not know the font: a page without any is a third as long."""
    drawing = draw(load("residual").graph, "stage")
    assert b"/Font" in drawing.pdf()


def test_graphviz_of_the_system_is_asked_for_by_name(monkeypatch, tmp_path) -> None:
    if shutil.which("dot") is None:
        with pytest.raises(MissingPartError, match="there is no dot on this system: install Graphviz"):
            draw(load("residual").graph, engine="system").pdf()
    else:
        assert draw(load("residual").graph, engine="system").pdf().startswith(b"%PDF")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPartError, match="there is no dot on this system"):
        _ = draw(load("residual").graph, engine="system").svg


def test_a_form_that_there_is_not(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"a picture cannot be written as '.jpg': choose from .svg, .png, .pdf, .dot"):
        draw(load("residual").graph).save(tmp_path / "net.jpg")
    with pytest.raises(OutputError, match="cannot be written, no such file or directory"):
        draw(load("residual").graph).save(tmp_path / "nowhere" / "net.svg")
    assert not list(tmp_path.iterdir())


def test_a_drawing_shows_itself() -> None:
    drawing = render("residual")
    assert drawing._repr_mimebundle_()["image/svg+xml"] == drawing.svg
    assert repr(drawing) == "<drawing of residual: 5 stages, 5 blocks, 51 layers>"


def test_what_a_view_does_not_show_is_refused(tmp_path) -> None:
    with pytest.raises(UsageError, match="level 'stage': is for the view graph, not for pyramid"):
        render("residual", "stage", view="pyramid")
    with pytest.raises(UsageError, match="layer 'conv': is for the view pyramid and receptive-field, not for graph"):
        render("residual", layer="conv")
    with pytest.raises(UsageError, match="view 'pyramids': did you mean pyramid"):
        render("residual", view="pyramids")  # pyright: ignore[reportArgumentType]
    (tmp_path / "text.jpg").write_text("no photo")
    with pytest.raises(DataError, match="is no JPEG, PNG or GIF"):
        render("residual", view="pyramid", image=tmp_path / "text.jpg")
