from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archlab.errors import ArchlabError, DataError, SourceError
from archlab.training.experiments._plan import Plan
from archlab.training.experiments._trial import input_shape


def check_architecture(reference: str, input: tuple[int, ...] | None) -> None:
    """Refuse a reference that names no architecture, or one that does not take the input."""
    from archlab.sources import load

    _ = load(reference, input).graph


def check_recipe(base: str, settings: Mapping[str, Any]) -> None:
    """Refuse a recipe that does not exist, and settings that it does not have."""
    from archlab.training import recipes

    recipes.recipe(base).with_settings(settings)


def check_data(data: str) -> None:
    """Refuse data that do not exist; photos are looked at by the trials."""
    from archlab.training.data._shapes import is_shapes, read_shapes

    if is_shapes(data):
        read_shapes(data)
    elif not Path(data).is_dir():
        raise DataError(f"{data}: there is no such folder; shapes are drawings, made offline")


@dataclass(frozen=True)
class Checks:
    """How the names in a plan are checked before the first trial is begun; each raises what is wrong with one."""

    architecture: Callable[[str, tuple[int, ...] | None], None] = check_architecture
    recipe: Callable[[str, Mapping[str, Any]], None] = check_recipe
    data: Callable[[str], None] = check_data


def check(plan: Plan, checks: Checks) -> None:
    """Check everything that a plan names.

    Raises:
        ArchlabError: one of it cannot be used; of a plan that was read from a file, a `SourceError` with the line.
    """
    inputs: dict[tuple[int, ...] | None, None] = {}
    for treatment in plan.treatments:
        with _at(treatment.where):
            settings = dict(treatment.settings)
            inputs[input_shape(settings.pop("input", None))] = None
            checks.recipe(treatment.base, settings)
    for candidate in plan.candidates:
        for shape in inputs:
            with _at(candidate.where):
                checks.architecture(candidate.reference, shape)
    checks.data(plan.data)


@contextmanager
def _at(where: str) -> Iterator[None]:
    try:
        yield
    except ArchlabError as error:
        if not where:
            raise
        raise SourceError(f"{where}: {error}") from None
