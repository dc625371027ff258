from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archlab.errors import UsageError, did_you_mean
from archlab.parsing import read_whole
from archlab_cli.options import (
    check_counts,
    check_data,
    check_output,
    check_plot,
    data_option,
    deliver_chart,
    format_option,
    lambda_option,
    output_option,
    plot_option,
    progress,
    read_format,
    read_size,
    references,
    size_option,
    trusted,
    write,
)

_BY = ("layer", "block")
_MODES = ("training", "inference")
_OF_A_MEASUREMENT = {
    "depths": "--depths", "init": "--init", "size": "--input", "data": "--data", "seeds": "--seeds",
    "batch": "--batch", "batches": "--batches", "loss": "--loss", "mode": "--mode", "by": "--by",
    "predicted": "--predicted",
}  # fmt: skip


@click.command("gradients")
@references
@click.option("--depths", metavar="N,N,…", help="Measure each at these depths: for names that take a depth.")
@click.option(
    "--init", metavar="NAME,…", help="Draw kernels by these: he, glorot, lecun, orthogonal, or a name of Keras."
)
@size_option
@data_option
@click.option(
    "--seeds", type=int, metavar="N", help="Initializations; a saved model is measured as it is.  [default: 3]"
)
@click.option("--batch", default=8, show_default=True, metavar="N", help="Examples in a batch.")
@click.option("--batches", default=1, show_default=True, metavar="N", help="Batches under each initialization.")
@click.option("--loss", metavar="NAME", help="A loss of Keras; the one that goes with the head.  [default]")
@click.option(
    "--mode", default="training", show_default=True, metavar="MODE", help="Layers act as in training or inference."
)
@click.option("--by", default="layer", show_default=True, metavar="WHAT", help="A row for each layer or block, of one.")
@plot_option
@lambda_option
@click.option("--predicted", is_flag=True, help="Draw what is predicted beside it, dashed.")
@format_option
@output_option
def command(
    references: tuple[str, ...],
    depths: str | None,
    init: str | None,
    size: str | None,
    data: str | None,
    seeds: int | None,
    batch: int,
    batches: int,
    loss: str | None,
    mode: str,
    by: str,
    plot: Path | None,
    allow_lambda: bool,
    predicted: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """How strong signals and gradients are at every layer, measured.

    Of one architecture, layer by layer; of several, or of one at several depths or under several initializers, side by
    side; of a training run that record_gradients has recorded, step by step.

    \b
    Examples:
      archlab gradients residual
      archlab gradients plain residual --depths 10,20,50,100 --plot depth.svg
      archlab gradients plain:normalization=none --init he,glorot,lecun,orthogonal
      archlab gradients model.keras --data cats_vs_dogs --mode inference --format csv
      archlab gradients run.jsonl
    """
    from archlab.analysis.recorded import is_run

    form = read_format(form, output)
    if by not in _BY:
        raise UsageError(f"--by {by}: {did_you_mean(by, _BY)}")
    if mode not in _MODES:
        raise UsageError(f"--mode {mode}: {did_you_mean(mode, _MODES)}")
    check_counts(seeds=seeds, batch=batch, batches=batches)
    check_data(data)
    check_output(output)
    check_plot(plot)
    if predicted and (plot is None or depths is not None):
        raise UsageError("--predicted: draws into the curves of --plot, without --depths")
    runs = [reference for reference in references if is_run(reference)]
    if runs:
        if len(references) > 1:
            raise UsageError(f"{runs[0]} is a training run: give it alone")
        context = click.get_current_context()
        for name, option in _OF_A_MEASUREMENT.items():
            if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
                raise UsageError(f"{option}: {runs[0]} is a training run, which has been measured already")
        _show_run(runs[0], plot, form, output)
        return
    at = _numbers(depths)
    options: dict[str, Any] = {"data": data, "loss": loss, "seeds": seeds, "batch": batch, "batches": batches}
    options["training"] = mode == "training"
    initializers = [word.strip() for word in init.split(",")] if init else []
    from archlab.analysis import sweep
    from archlab.report.gradients import flow_report, sweep_report

    if by != "layer" and len(references) * len(at or (0,)) * len(initializers or (0,)) > 1:
        raise UsageError(f"--by {by}: rows are shown of one architecture alone; --format json has them of all")
    variants = len(references) * max(len(at), 1) * max(len(initializers), 1)
    with progress(variants * ((seeds or 3) + 1)) as step:
        found = sweep(
            *(references if at else [trusted(each, allow_lambda) for each in references]),
            depths=at,
            initializers=initializers,
            input=read_size(size),
            progress=lambda name, word: step(f"{name}: {word}"),
            **options,
        )
    if plot is not None:
        from archlab.charts import by_depth, slopes

        if at:
            series = [(f"{v.base} {v.initializer or ''}".strip(), v.depth, v.flow.slope) for v in found]
            chart = slopes([(name, depth, slope) for name, depth, slope in series if depth is not None])
        else:
            theory = [(variant.name, variant.predicted.curve) for variant in found] if predicted else []
            chart = by_depth([(variant.name, variant.flow.curve) for variant in found], predicted=theory)
        deliver_chart(chart, plot)
    report = flow_report(found.variants[0].flow, by) if len(found) == 1 else sweep_report(found)
    write(report, found.to_dict, form, output)


def _show_run(reference: str, plot: Path | None, form: str, output: Path | None) -> None:
    from archlab.analysis.recorded import read_run
    from archlab.report.gradients import run_report

    run = read_run(reference)
    if plot is not None:
        deliver_chart(run.plot(), plot)
    write(run_report(run), run.to_dict, form, output)


def _numbers(text: str | None) -> list[int]:
    """`10,20,50` as numbers."""
    found: list[int] = []
    for word in text.split(",") if text else ():
        number = read_whole(word)
        if not number:
            raise UsageError(f"--depths {text}: write whole numbers with commas between, as in 10,20,50")
        found.append(number)
    return found
