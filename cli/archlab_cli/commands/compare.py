from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from archlab.analysis import QUANTITIES, Result
from archlab.errors import UnknownNameError, UsageError, did_you_mean
from archlab_cli.options import (
    as_text,
    check_counts,
    check_data,
    check_output,
    command_line,
    deliver,
    format_option,
    lambda_option,
    output_option,
    progress,
    read_format,
    read_settings,
    read_size,
    references,
    settings_option,
    size_option,
    training_progress,
    trusted,
    write,
)

_FINDINGS = ("vanishing", "exploding", "misaligned", "unknown")


@click.command("compare")
@references
@click.option("--static", is_flag=True, help="Stop before gradients are measured: no TensorFlow.")
@size_option
@click.option(
    "--data",
    metavar="DIR|shapes",
    help="Measure, and train, on images: a folder of class folders, or `shapes`, the synthetic data set.",
)
@click.option(
    "--seeds",
    type=int,
    metavar="N",
    help="To measure gradients under, and to train from; a saved model is measured as it is.  [default: 3]",
)
@click.option("--train", is_flag=True, help="Train each from every seed too: accuracies with their intervals.")
@click.option("--recipe", default="lecture", show_default=True, metavar="NAME", help="To train by.")
@click.option("--epochs", type=int, metavar="N", help="The number of epochs.  [default: the recipe's]")
@settings_option
@click.option("--runs", type=click.Path(path_type=Path), metavar="DIR", help="Keep the runs here; else under runs/.")
@click.option("--target", type=float, metavar="SHARE", help="Give the time to this validation accuracy.")
@click.option(
    "--sort",
    metavar="KEY",
    help="name or a quantity, such as params, macs or receptive-field; the smallest first.",
)
@click.option(
    "--fail-on",
    metavar="FINDINGS",
    help=f"Exit with 1 on any of these, with commas between: {', '.join(_FINDINGS)}, or codes of lint's rules.",
)
@lambda_option
@format_option
@output_option
def command(
    references: tuple[str, ...],
    static: bool,
    size: str | None,
    data: str | None,
    seeds: int | None,
    train: bool,
    recipe: str,
    epochs: int | None,
    settings: tuple[str, ...],
    runs: Path | None,
    target: float | None,
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
      archlab compare baseline residual --output report.html
      archlab compare baseline residual --data cats_vs_dogs --train --recipe lecture
    """
    from archlab.comparison import compare, sort_keys
    from archlab.report import counted_parts, gradient_parts, static_parts
    from archlab.report.training import training_parts

    form = read_format(form, output)
    shape = read_size(size)
    asked = _findings(fail_on, static)
    check_counts(seeds=seeds)
    if sort is not None and sort not in sort_keys() and QUANTITIES.named(sort) is None:
        raise UsageError(f"--sort {sort}: {did_you_mean(sort, sort_keys())}")
    if sort == "slope" and static:
        raise UsageError("--sort slope: the slope is measured, which --static leaves out")
    check_data(data)
    values = read_settings(settings) | ({} if epochs is None else {"epochs": epochs})
    _check_training(train, static, values, runs, target)
    if train:
        from archlab.training import recipe as find_recipe

        find_recipe(recipe).with_settings(values)
    check_output(output)

    found = compare(*[trusted(each, allow_lambda) for each in references], static=True, input=shape)
    if sort is not None and sort != "slope":
        found = found.sorted(sort)
    at_once = form == "table" and output is None and sort != "slope"
    if at_once:
        deliver(as_text((static_parts if static else counted_parts)(found.results)), None)
    if not static:
        with progress(len(found) * ((seeds or 3) + 1)) as step:
            found = found.measured(data, seeds, lambda name, word: step(f"{name}: {word}"))
        if sort == "slope":
            found = found.sorted(sort)
        if at_once:
            deliver("\n" + as_text(gradient_parts(found.results)), None)
    if train:
        with training_progress() as watch:
            found = found.trained(
                data or "shapes",
                recipe,
                3 if seeds is None else seeds,
                settings=values,
                output=runs,
                on_step=lambda name, step: watch.step(step, name),
            )
        if at_once and found.training:
            deliver("\n" + as_text(training_parts(found.training, target)), None)
    if not at_once:
        page = partial(found.to_html, target, command=command_line())
        write(found.report(target), found.to_dict, form, output, page)
    if asked and any(_fails(result, asked) for result in found):
        click.get_current_context().exit(1)


def _check_training(
    train: bool, static: bool, values: dict[str, object], runs: Path | None, target: float | None
) -> None:
    given = {"--epochs or --set": values, "--runs": runs, "--target": target is not None}
    for option, value in given.items():
        if value and not train:
            raise UsageError(f"{option}: is for training, ask for it with --train")
    if train and static:
        raise UsageError("--train: needs TensorFlow, which --static leaves out")
    if target is not None and not 0 < target < 1:
        raise UsageError(f"--target {target:g}: an accuracy lies between 0 and 1")


def _findings(text: str | None, static: bool) -> set[str]:
    asked = {word.strip() for word in text.split(",")} if text else set()
    for word in asked - set(_FINDINGS):
        from archlab.lint import all_rules

        try:
            all_rules().selected([word])
        except UnknownNameError:
            known = [*_FINDINGS, *all_rules()]
            raise UsageError(f"--fail-on {word}: {did_you_mean(word, known)}") from None
    for word in asked:
        if static and word in ("vanishing", "exploding"):
            raise UsageError(f"--fail-on {word}: gradients are measured, which --static leaves out")
    return asked


def _fails(result: Result, asked: set[str]) -> bool:
    """Whether there is any of what was asked: of a word, or of the rules that a code names."""
    seen = {result.gradient_flow.verdict} if result.gradient_flow else set()
    if result.analysis.receptive_field.misaligned:
        seen.add("misaligned")
    if result.analysis.unknown:
        seen.add("unknown")
    codes = asked - set(_FINDINGS)
    if not codes:
        return bool(asked & seen)
    from archlab.lint import all_rules, context_of_result, findings_of

    return bool(asked & seen) or bool(findings_of(context_of_result(result), all_rules().selected(codes)))
