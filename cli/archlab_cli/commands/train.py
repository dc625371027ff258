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
@click.option("--data", default="shapes", metavar="DIR", help="A folder of class folders; drawings unless given.")
@click.option("--recipe", default="lecture", show_default=True, metavar="NAME", help="lecture, fast, or a .yaml file.")
@click.option("--epochs", type=int, metavar="N", help="Another number of epochs than the recipe's.")
@click.option("--seed", default=0, show_default=True, metavar="N", help="Of the weights and all that is random.")
@size_option
@click.option("--run", type=click.Path(path_type=Path), metavar="DIR", help="Keep the run here; else under runs/.")
@settings_option
@click.option("--patience", type=int, metavar="N", help="End after so many epochs that were no better.")
@click.option("--deterministic", is_flag=True, help="The same sums in the same order every time; slower.")
@click.option("--mirrored", is_flag=True, help="Train on all GPUs of this machine.")
@click.option("--gradients", is_flag=True, help="Record the gradient flow as it changes.")
@click.option("--tensorboard", is_flag=True, help="Write TensorBoard's files too.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with a run that was broken off.")
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
    """Train an architecture, and test it once, with the weights that validation chose.

    A run is a folder that holds all there is to know of it; one that was broken off goes on where its last epoch ended.

    \b
    Examples:
      archlab train residual
      archlab train residual --data cats_vs_dogs --recipe fast
      archlab train plain:depth=22 --data cats_vs_dogs --input 96x96 --epochs 5
      archlab train residual --data cats_vs_dogs --recipe fast --set lr=0.003 --set batch=32
      archlab train --resume runs/residual-fast-seed0
    """
    form = read_format(form, output)
    check_output(output)
    shape: Any = read_size(size)
    values = read_settings(settings)
    if patience is not None:
        values["patience"] = patience
    if resume is not None:
        _refuse_others(reference, resume)
    elif reference is None:
        raise UsageError("train needs an architecture, such as residual, or --resume RUN")
    if shape is not None and None in shape:
        raise UsageError(f"--input {size}: training needs every size, as in 96x96")
    from archlab import training
    from archlab.report.training import run_report

    with training_progress() as tell:
        if resume is not None:
            found = training.resume(resume, tell=tell, note=note)
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
                tell=tell,
                note=note,
            )
    write(run_report(found), found.summary.to_dict, form, output)


def _refuse_others(reference: str | None, resume: Path) -> None:
    if reference is not None:
        raise UsageError(f"{reference}: --resume {resume} goes on with what that run trains, give no architecture")
    context = click.get_current_context()
    for name, option in _OF_A_NEW_RUN.items():
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(f"{option}: --resume goes on as {resume} was begun")
