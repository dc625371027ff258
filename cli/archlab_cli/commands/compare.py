from __future__ import annotations

from pathlib import Path

import click

from archlab.errors import UsageError, did_you_mean
from archlab.result import Result
from archlab_cli.options import (
    ascii_only,
    check_output,
    deliver,
    format_option,
    lambda_option,
    output_option,
    progress,
    read_format,
    read_size,
    references,
    size_option,
    width,
    write,
)

_FINDINGS = ("vanishes", "explodes", "misaligned", "unknown")


@click.command("compare")
@references
@click.option("--static", is_flag=True, help="Stop before gradients are measured: no TensorFlow.")
@size_option
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Measure on photos from this folder of class folders.",
)
@click.option("--seeds", default=3, show_default=True, help="Initializations to measure gradients under.")
@click.option(
    "--sort",
    metavar="KEY",
    help="name, depth, params, macs, flops, memory, receptive-field or slope; the smallest first.",
)
@click.option(
    "--fail-on",
    metavar="FINDINGS",
    help=f"Exit with 1 on any of these, with commas between: {', '.join(_FINDINGS)}.",
)
@lambda_option
@format_option
@output_option
def command(
    references: tuple[str, ...],
    static: bool,
    size: str | None,
    data: Path | None,
    seeds: int,
    sort: str | None,
    fail_on: str | None,
    allow_lambda: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """Several architectures, side by side.

    What can be known without building anything comes at once; then the Keras models are built and the gradient of the
    loss is measured layer by layer, at initialization.

    \b
    Examples:
      archlab compare baseline residual
      archlab compare plain:depth=50 residual:depth=50 --seeds 5
      archlab compare resnet50 mobilenet_v2 xception --static --input 96x96 --sort macs
      archlab compare baseline residual --data cats_vs_dogs --output lecture.json
    """
    from archlab.comparison import SORT_KEYS, compare
    from archlab.report import comparison_report, counted_parts, gradient_parts, static_parts, to_text

    form = read_format(form, output)
    shape = read_size(size)
    asked = _findings(fail_on, static)
    if seeds < 1:
        raise UsageError(f"--seeds {seeds}: at least 1 is needed")
    if sort is not None and sort not in SORT_KEYS:
        raise UsageError(f"--sort {sort}: {did_you_mean(sort, SORT_KEYS)}")
    if sort == "slope" and static:
        raise UsageError("--sort slope: the slope is measured, which --static leaves out")
    if data is not None and not data.is_dir():
        raise UsageError(f"--data {data}: there is no such folder")
    check_output(output)

    found = compare(*references, static=True, input=shape, allow_lambda=allow_lambda)
    if sort is not None and sort != "slope":
        found = found.sorted(sort)
    at_once = form == "table" and output is None and sort != "slope"
    if at_once:
        deliver(to_text((static_parts if static else counted_parts)(found.results), width(), ascii_only()), None)
    if not static:
        with progress(len(found) * (seeds + 1)) as step:
            found = found.measured(data, seeds, lambda name, word: step(f"{name}: {word}"))
        if sort == "slope":
            found = found.sorted(sort)
        if at_once:
            deliver("\n" + to_text(gradient_parts(found.results), width(), ascii_only()), None)
    if not at_once:
        write(comparison_report(found.results), found.to_dict, form, output)
    if any(asked & _seen(result) for result in found):
        click.get_current_context().exit(1)


def _findings(text: str | None, static: bool) -> set[str]:
    asked = {word.strip() for word in text.split(",")} if text else set()
    for word in asked:
        if word not in _FINDINGS:
            raise UsageError(f"--fail-on {word}: {did_you_mean(word, _FINDINGS)}")
        if static and word in ("vanishes", "explodes"):
            raise UsageError(f"--fail-on {word}: gradients are measured, which --static leaves out")
    return asked


def _seen(result: Result) -> set[str]:
    seen = {result.gradient_flow.verdict} if result.gradient_flow else set()
    if result.analysis.receptive_field.misaligned:
        seen.add("misaligned")
    if result.analysis.unknown:
        seen.add("unknown")
    return seen
