from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archlab.errors import UsageError
from archlab_cli.options import (
    check_output,
    format_option,
    note,
    output_option,
    read_format,
    read_settings,
    read_size,
    settings_option,
    size_option,
    training_progress,
    write,
)

_OF_A_NEW_RUN = {
    "data": "--data", "recipe": "--recipe", "epochs": "--epochs", "seed": "--seed", "size": "--input", "run": "--run",
    "settings": "--set", "deterministic": "--deterministic", "mirrored": "--mirrored", "gradients": "--gradients",
    "tensorboard": "--tensorboard", "patience": "--patience",
}  # fmt: skip


@click.command("train")
@click.argument("reference", required=False)
@click.option(
    "--data",
    default="shapes",
    show_default=True,
    metavar="DIR",
    help="A folder of class folders, or shapes (synthetic).",
)
@click.option("--recipe", default="lecture", show_default=True, metavar="NAME", help="lecture, fast, or a .yaml file.")
@click.option("--epochs", type=int, metavar="N", help="The number of epochs.  [default: the recipe's]")
@click.option(
    "--seed", default=0, show_default=True, metavar="N", help="Of the initialization, the image order and augmentation."
)
@size_option
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of the run.  [default: a new one in runs/]",
)
@settings_option
@click.option("--patience", type=int, metavar="N", help="Early stopping after N epochs without improvement.")
@click.option("--deterministic", is_flag=True, help="Use deterministic operations: reproducible, but slower.")
@click.option("--mirrored", is_flag=True, help="Train on all GPUs of this machine.")
@click.option("--gradients", is_flag=True, help="Record the gradient flow during training.")
@click.option("--tensorboard", is_flag=True, help="Write logs for TensorBoard.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Resume an interrupted run.")
@format_option
@output_option
def command(
    reference: str | None,
    data: str,
    recipe: str,
    epochs: int | None,
    seed: int,
    size: str | None,
    run: Path | None,
    settings: tuple[str, ...],
    patience: int | None,
    deterministic: bool,
    mirrored: bool,
    gradients: bool,
    tensorboard: bool,
    resume: Path | None,
    form: str | None,
    output: Path | None,
) -> None:
    """Train an architecture, and test it once with the best weights by validation.

    A run is a folder with its setup, checkpoints and results. An interrupted run resumes after its last finished epoch.

    \b
    Examples:
      archlab train residual
      archlab train residual --data cats_vs_dogs --recipe fast
      archlab train plain:depth=22 --data cats_vs_dogs --input 96x96 --epochs 5
      archlab train residual --recipe fast --set lr=0.003 --set batch=32
      archlab train --resume runs/residual-fast-seed0
    """
    form = read_format(form, output)
    check_output(output)
    shape: Any = read_size(size)
    values = read_settings(settings)
    if patience is not None:
        values["patience"] = patience
    if resume is not None:
        _check_resume(reference, resume)
    elif reference is None:
        raise UsageError("train needs an architecture, such as residual, or --resume RUN")
    if shape is not None and None in shape:
        raise UsageError(f"--input {size}: training needs a height and a width, as in 96x96")
    from archlab import training
    from archlab.report.training import run_report

    with training_progress() as watch:
        if resume is not None:
            found = training.resume(resume, on_step=watch.step, on_stage=watch.stage, note=note)
        else:
            found = training.train(
                reference,
                data=data,
                recipe=recipe,
                seed=seed,
                run=run,
                epochs=epochs,
                input=shape,
                settings=values,
                deterministic=deterministic,
                mirrored=mirrored,
                gradients=gradients,
                tensorboard=tensorboard,
                on_step=watch.step,
                on_stage=watch.stage,
                note=note,
            )
    write(run_report(found), found.summary.to_dict, form, output)


def _check_resume(reference: str | None, resume: Path) -> None:
    if reference is not None:
        raise UsageError(f"{reference}: --resume {resume} takes no architecture")
    context = click.get_current_context()
    for name, option in _OF_A_NEW_RUN.items():
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(f"{option}: --resume uses the settings of {resume}")
