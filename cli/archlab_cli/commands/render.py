from __future__ import annotations

import sys
from pathlib import Path

import click

from archlab.errors import UsageError, did_you_mean
from archlab.rendering import DIRECTIONS, LEVELS, VIEWS, colors, render
from archlab_cli.options import (
    check_output,
    deliver_file,
    lambda_option,
    output_option,
    read_size,
    reference,
    size_option,
    trusted,
)

_SUFFIXES = {"svg": ".svg", "png": ".png", "pdf": ".pdf", "dot": ".dot", "mermaid": ".mmd", "tikz": ".tex"}


@click.command("render")
@reference
@output_option
@click.option(
    "--format", "-f", "form", metavar="FORMAT", help=f"{', '.join(_SUFFIXES)}; by --output's suffix, else svg."
)
@click.option("--view", default="graph", show_default=True, metavar="VIEW", help=f"{', '.join(VIEWS)}.")
@click.option("--level", metavar="LEVEL", help=f"What a box is: {', '.join(LEVELS)}.  [default: block]")
@click.option("--color", metavar="BY", help=f"{', '.join(colors())}.  [default: kind]")
@click.option("--only", metavar="NAME", help="One stage or block alone, such as stage2/block1.")
@click.option("--layer", metavar="NAME", help="Whose central unit the pyramid and the receptive field show.")
@click.option("--image", type=click.Path(path_type=Path), metavar="IMAGE", help="An image to show on the input there.")
@click.option(
    "--direction", metavar="DIRECTION", help=f"Where the graph runs: {', '.join(DIRECTIONS)}.  [default: down]"
)
@click.option(
    "--aspect", metavar="W:H", help="Cut the graph into columns, 16:9 for a slide; none: one column, however long."
)
@click.option(
    "--engine", default="pip", show_default=True, metavar="ENGINE", help="pip, or system: an installed Graphviz."
)
@size_option
@lambda_option
def command(
    reference: str,
    output: Path | None,
    form: str | None,
    view: str,
    level: str | None,
    color: str | None,
    only: str | None,
    layer: str | None,
    image: Path | None,
    direction: str | None,
    aspect: str | None,
    engine: str,
    size: str | None,
    allow_lambda: bool,
) -> None:
    """A picture of an architecture: its graph, its pyramid of feature maps, or what its units see.

    The form is the file's suffix: .svg, .png, .pdf; of a graph .dot or .mmd, of a pyramid or receptive field .tex.
    Nothing but Python's packages is needed for any. A graph that is long and narrow is cut into columns, as a page is.

    \b
    Examples:
      archlab render residual -o residual.svg
      archlab render keras:ResNet50 --level stage --color macs -o resnet.png
      archlab render resnet50 --only stage2/block1 --level layer -o block.pdf
      archlab render residual --view pyramid --image cat.jpg -o pyramid.svg
      archlab render residual --view pyramid -o pyramid.tex
      archlab render resnet50 --direction right --aspect 16:9 -o slide.png
      archlab render residual --format mermaid >> README.md
    """
    suffix = _suffix(form, output)
    check_output(output)
    if output is None and sys.stdout.isatty():
        raise UsageError(
            f"render {reference}: name a file for the picture, such as --output {_stem(reference)}{suffix}"
        )
    drawing = render(
        trusted(reference, allow_lambda),
        level,  # pyright: ignore[reportArgumentType]
        view=view,  # pyright: ignore[reportArgumentType]
        color=color,
        only=only,
        layer=layer,
        image=image,
        direction=direction,  # pyright: ignore[reportArgumentType]
        aspect=aspect,
        input=read_size(size),
        engine=engine,  # pyright: ignore[reportArgumentType]
    )
    made = drawing.written(suffix)
    if output is None:
        sys.stdout.buffer.write(made)
        sys.stdout.buffer.flush()
    else:
        deliver_file(lambda path: path.write_bytes(made), output)


def _suffix(form: str | None, output: Path | None) -> str:
    if form is not None and form not in _SUFFIXES:
        raise UsageError(f"--format {form}: {did_you_mean(form, _SUFFIXES)}")
    if form is not None:
        return _SUFFIXES[form]
    return output.suffix if output is not None and output.suffix else ".svg"


def _stem(reference: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in reference)
