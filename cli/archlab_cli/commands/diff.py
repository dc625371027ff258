from __future__ import annotations

from pathlib import Path

import click

from archlab.errors import UsageError
from archlab_cli.options import (
    check_output,
    complete_reference,
    deliver_file,
    format_option,
    lambda_option,
    output_option,
    read_format,
    read_size,
    size_option,
    trusted,
    write,
)


@click.command("diff")
@click.argument("before", shell_complete=complete_reference)
@click.argument("after", shell_complete=complete_reference)
@size_option
@click.option("--all", "every", is_flag=True, help="Every layer, those that are the same too, and no block folded.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything but names differs, as git diff does.")
@lambda_option
@format_option
@output_option
def command(
    before: str,
    after: str,
    size: str | None,
    every: bool,
    exit_code: bool,
    allow_lambda: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """What differs between two architectures, layer by layer.

    Layers are matched by what they do and where they stand, whatever they are called. '+' is added, '−' removed, '~'
    changed, and '·' the same layer on other shapes, which follows from what stands before it. Beside each stands by how
    much parameters and MACs change, and what its units see.

    A FILE that ends in .svg, .png, .pdf, .dot or .mmd (Mermaid) gets a picture of both, drawn as one graph.

    \b
    Examples:
      archlab diff baseline residual
      archlab diff resnet50 keras:ResNet50 --exit-code
      archlab diff residual residual:conv=ordinary --format json
      archlab diff resnet50 resnet101 -o deeper.svg
    """
    from archlab.diffing import diff
    from archlab.rendering import GraphDrawing

    drawn = output is not None and output.suffix.lower() in GraphDrawing.forms
    if drawn and form is not None:
        raise UsageError(f"--format {form}: {output} is a picture, whose form is its suffix")
    if drawn and every:
        raise UsageError("--all: is for tables, a picture always folds what is the same")
    form = read_format(form, None if drawn else output, tuple(GraphDrawing.forms))
    shape = read_size(size)
    check_output(output)
    found = diff(trusted(before, allow_lambda), trusted(after, allow_lambda), input=shape)
    if drawn and output is not None:
        made = found.render().written(output.suffix)
        deliver_file(lambda path: path.write_bytes(made), output)
    else:
        write(found.report(every), found.to_dict, form, output)
    if exit_code and not found.identical:
        click.get_current_context().exit(1)
