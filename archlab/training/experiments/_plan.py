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
    """An architecture of a plan: what it is called there, and a reference as for `archlab.load`."""

    name: str
    reference: str
    where: str = field(default="", compare=False, repr=False)
    """The file, line and column of the plan, for errors."""


@dataclass(frozen=True)
class Treatment:
    """A recipe of a plan: what it is called there, the recipe that it begins as, and what is set otherwise.

    `settings` are fields of the recipe; `input` among them is another input of the architecture, pixels a side.
    """

    name: str
    base: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    where: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Resources:
    """What a trial needs to itself on a cluster: processors, GPUs, bytes of memory."""

    cpus: float = 1
    gpus: float = 0
    memory: int | None = None


@dataclass(frozen=True)
class TrialSpec:
    """One trial: an architecture, a recipe and a seed. Plain data, so that it can be sent to another machine.

    Attributes:
        architecture: its name in the plan.
        reference: what it is, as for `archlab.load`.
        recipe: its name in the plan.
        base: the recipe that it begins as.
        settings: what is set otherwise.
        seed: of everything random.
        data: as for `archlab.training.train`.
        folder: of the run, under the plan's output.
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
    """Architectures × recipes × seeds, and where and how they are trained.

    Attributes:
        name: of the experiment.
        architectures: references or candidates; the first is what the others are compared with.
        recipes: names, files or treatments.
        seeds: of which every architecture is trained under every recipe.
        data: a folder of class folders, or `shapes`.
        output: the folder that the runs are kept in.
        retries: how often a trial is begun again whose worker or machine was lost, on a cluster.
        resources: of a trial, on a cluster.

    Raises:
        UsageError: there is nothing to train, or two would share a name or a folder.

    >>> plan = Plan("ablation", ("residual", "plain"), ("lecture",), (0, 1), output=Path("runs/ablation"))
    >>> [spec.folder for spec in plan.trials()]
    ['residual/lecture/seed-0', 'plain/lecture/seed-0', 'residual/lecture/seed-1', 'plain/lecture/seed-1']
    """

    name: str
    architectures: Sequence[Candidate | str]
    recipes: Sequence[Treatment | str] = ("lecture",)
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
            raise UsageError(f"the plan has {trials:,} trials, more than {MOST_TRIALS:,}: refused")
        _refuse_twins("architectures", self.candidates)
        _refuse_twins("recipes", self.treatments)
        if len(set(self.seeds)) < len(self.seeds):
            raise UsageError("seeds: the same seed stands there twice")

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The architectures, each with a name."""
        return tuple(each if isinstance(each, Candidate) else Candidate(each, each) for each in self.architectures)

    @property
    def treatments(self) -> tuple[Treatment, ...]:
        """The recipes, each with a name."""
        return tuple(each if isinstance(each, Treatment) else Treatment(each, each) for each in self.recipes)

    def trials(self) -> tuple[TrialSpec, ...]:
        """Every trial; by seed first, so that there is something of every architecture early on."""
        return tuple(
            TrialSpec(
                architecture=candidate.name,
                reference=candidate.reference,
                recipe=treatment.name,
                base=treatment.base,
                settings=dict(treatment.settings),
                seed=seed,
                data=self.data,
                folder=f"{folder_name(candidate.name)}/{folder_name(treatment.name)}/seed-{seed}",
            )
            for seed in self.seeds
            for treatment in self.treatments
            for candidate in self.candidates
        )


def folder_name(name: str) -> str:
    """A name as that of a folder, on every system.

    >>> folder_name("plain:depth=50,width=16"), folder_name("../no shortcuts")
    ('plain-depth=50,width=16', '-no-shortcuts')
    """
    return re.sub(r"[^\w=,.+-]+", "-", name).lstrip(".").rstrip(". ")[:80] or "-"


def split_reference(reference: str) -> tuple[str, str]:
    """The file that a reference names, if it has a file's suffix, and the rest.

    >>> split_reference("nets/mine.py:wide"), split_reference("net.yaml"), split_reference("plain:depth=50")
    (('nets/mine.py', ':wide'), ('net.yaml', ''), ('', 'plain:depth=50'))
    """
    match = re.fullmatch(r"(.+\.(?:yaml|yml|keras|h5|json|py))(:.*)?", reference, re.IGNORECASE)
    return (match[1], match[2] or "") if match else ("", reference)


def _refuse_twins(key: str, items: Sequence[Candidate | Treatment]) -> None:
    taken: dict[str, Candidate | Treatment] = {}
    for item in items:
        # Some systems take names that differ in case for the same.
        other = taken.setdefault(folder_name(item.name).lower(), item)
        if other is not item:
            before = f"{item.where}: " if item.where else ""
            same = "stands there twice" if other.name == item.name else f"would share a folder with {other.name!r}"
            raise UsageError(f"{before}{key}: {item.name!r} {same}: give one another name")
