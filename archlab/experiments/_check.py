from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from archlab.errors import ArchlabError, SourceError
from archlab.experiments._plan import Plan
from archlab.experiments._trial import input_shape


def check_architecture(reference: str, input: tuple[int, ...] | None) -> None:
    """Check that a reference names an architecture that accepts the input."""
    from archlab.sources import load

    _ = load(reference, input).graph


def check_recipe(base: str, settings: Mapping[str, object]) -> None:
    """Check that a recipe exists and has the settings."""
    from archlab.training import recipes

    recipes.recipe(base).with_settings(settings)


def check_data(data: str) -> None:
    """Check that a data set exists. Its images are checked when they are read."""
    from archlab.data import check_source

    check_source(data)


@dataclass(frozen=True)
class Checks:
    """The checks of a plan before the first trial starts; each raises an error."""

    architecture: Callable[[str, tuple[int, ...] | None], None] = check_architecture
    recipe: Callable[[str, Mapping[str, Any]], None] = check_recipe
    data: Callable[[str], None] = check_data


def check(plan: Plan, checks: Checks) -> None:
    """Check the architectures, recipes and data of a plan.

    Raises:
        ArchlabError: one of them is invalid; for a plan from a file, a `SourceError` with the line.
    """
    inputs: dict[tuple[int, ...] | None, None] = {}
    for variant in plan.variants:
        with _at(variant.where):
            settings = dict(variant.settings)
            inputs[input_shape(settings.pop("input", None))] = None
            checks.recipe(variant.base, settings)
    for candidate in plan.candidates:
        for shape in inputs:
            with _at(candidate.where):
                checks.architecture(candidate.reference, shape)
    checks.data(plan.data)


@contextmanager
def _at(where: str) -> Generator[None]:
    try:
        yield
    except ArchlabError as error:
        if not where:
            raise
        raise SourceError(f"{where}: {error}") from None
