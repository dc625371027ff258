from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from archlab.errors import UsageError

MOST_TRIALS = 10_000


@dataclass(frozen=True)
class Candidate:
    """An architecture of a plan: its name there, and a reference, as for `archlab.load`."""

    name: str
    reference: str
    where: str = field(default="", compare=False, repr=False)
    """The file, line and column of the plan, for errors."""


@dataclass(frozen=True)
class RecipeVariant:
    """A recipe of a plan: its name there, its base recipe, and the overridden fields.

    `settings` are recipe fields; the key `input` sets the input size of the architecture, px.
    """

    name: str
    base: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    where: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Resources:
    """The resources of a trial on a cluster: CPU cores, GPUs, bytes of memory."""

    cpus: float = 1
    gpus: float = 0
    memory: int | None = None


@dataclass(frozen=True)
class TrialSpec:
    """One trial: an architecture, a recipe and a seed. Plain data that can be sent to another machine.

    Attributes:
        architecture: its name in the plan.
        reference: its reference, as for `archlab.load`.
        recipe: the recipe's name in the plan.
        base: the base recipe.
        settings: the overridden fields.
        seed: as for `archlab.training.train`.
        data: as for `archlab.training.train`.
        folder: of the run, relative to the plan's output.
    """

    architecture: str
    reference: str
    recipe: str
    base: str
    settings: Mapping[str, Any]
    seed: int
    data: str
    folder: str

    def __str__(self) -> str:
        return f"{self.architecture}, {self.recipe}, seed {self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Plan:
    """Architectures × recipes × seeds to train.

    Attributes:
        name: of the experiment.
        architectures: references or candidates; the others are compared with the first.
        recipes: names, files or variants.
        seeds: every architecture is trained with every recipe and every seed.
        data: a folder of class folders, or `shapes`.
        output: the folder of the runs.
        retries: on a cluster, how often a trial restarts if its worker or machine is lost.
        resources: of a trial on a cluster.

    Raises:
        UsageError: there is nothing to train, or two trials have the same name or folder.

    >>> plan = Plan("ablation", ("residual", "plain"), ("lecture",), (0, 1), output=Path("runs/ablation"))
    >>> [spec.folder for spec in plan.trials()]
    ['residual/lecture/seed-0', 'plain/lecture/seed-0', 'residual/lecture/seed-1', 'plain/lecture/seed-1']
    """

    name: str
    architectures: Sequence[Candidate | str]
    recipes: Sequence[RecipeVariant | str] = ("lecture",)
    seeds: Sequence[int] = (0, 1, 2)
    data: str = "shapes"
    output: Path = Path("runs")
    retries: int = 2
    resources: Resources = Resources()

    def __post_init__(self) -> None:
        if not (self.architectures and self.recipes and self.seeds):
            raise UsageError("a plan needs at least one architecture, one recipe and one seed")
        trials = len(self.architectures) * len(self.recipes) * len(self.seeds)
        if trials > MOST_TRIALS:
            raise UsageError(f"the plan has {trials:,} trials, the limit is {MOST_TRIALS:,}")
        _check_distinct("architectures", self.candidates)
        _check_distinct("recipes", self.variants)
        if len(set(self.seeds)) < len(self.seeds):
            raise UsageError("seeds: a seed is listed twice")

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The architectures with their names."""
        return tuple(each if isinstance(each, Candidate) else Candidate(each, each) for each in self.architectures)

    @property
    def variants(self) -> tuple[RecipeVariant, ...]:
        """The recipes with their names."""
        return tuple(each if isinstance(each, RecipeVariant) else RecipeVariant(each, each) for each in self.recipes)

    def trials(self) -> tuple[TrialSpec, ...]:
        """All trials, ordered by seed first, so that every architecture has early results."""
        return tuple(
            TrialSpec(
                architecture=candidate.name,
                reference=candidate.reference,
                recipe=variant.name,
                base=variant.base,
                settings=dict(variant.settings),
                seed=seed,
                data=self.data,
                folder=f"{folder_name(candidate.name)}/{folder_name(variant.name)}/seed-{seed}",
            )
            for seed in self.seeds
            for variant in self.variants
            for candidate in self.candidates
        )


def folder_name(name: str) -> str:
    """A name as a valid folder name on every system.

    >>> folder_name("plain:depth=50,width=16"), folder_name("../no shortcuts")
    ('plain-depth=50,width=16', '-no-shortcuts')
    """
    return re.sub(r"[^\w=,.+-]+", "-", name).lstrip(".").rstrip(". ")[:80] or "-"


def split_reference(reference: str) -> tuple[str, str]:
    """The file of a reference, by its suffix, and the rest.

    >>> split_reference("nets/mine.py:wide"), split_reference("net.yaml"), split_reference("plain:depth=50")
    (('nets/mine.py', ':wide'), ('net.yaml', ''), ('', 'plain:depth=50'))
    """
    match = re.fullmatch(r"(.+\.(?:yaml|yml|keras|h5|json|py))(:.*)?", reference, re.IGNORECASE)
    return (match[1], match[2] or "") if match else ("", reference)


def _check_distinct(key: str, items: Sequence[Candidate | RecipeVariant]) -> None:
    seen: dict[str, Candidate | RecipeVariant] = {}
    for item in items:
        # Some file systems ignore case.
        other = seen.setdefault(folder_name(item.name).lower(), item)
        if other is not item:
            before = f"{item.where}: " if item.where else ""
            same = "is listed twice" if other.name == item.name else f"has the same folder as {other.name!r}"
            raise UsageError(f"{before}{key}: {item.name!r} {same}: rename one of them")
