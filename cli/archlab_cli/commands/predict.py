from __future__ import annotations

from pathlib import Path

import click

from archlab_cli.options import check_output, format_option, output_option, read_format, write


@click.command("predict")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@format_option
@output_option
def command(run: Path, images: tuple[Path, ...], form: str | None, output: Path | None) -> None:
    """Predict the classes of images with the best weights of a training run.

    \b
    Examples:
      archlab predict runs/residual-fast-seed0 cat.jpg
      archlab predict runs/residual-fast-seed0 *.jpg --format csv
    """
    form = read_format(form, output)
    check_output(output)
    from archlab.report.training import predictions_report
    from archlab.training import predict

    found = predict(run, images)
    write(predictions_report(found), lambda: [each.to_dict() for each in found], form, output)
