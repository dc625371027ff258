"""Several architectures side by side: analysed at once, measured when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlab.analysis import QUANTITIES, Quantity, Result, analyze
from archlab.analysis._frame import frame
from archlab.analysis._names import apart
from archlab.errors import DesignError, UnknownNameError, UsageError, did_you_mean
from archlab.files import write_text
from archlab.report import Report, comparison_report, flat
from archlab.report.training import training_parts
from archlab.shown import Printed
from archlab.sources import Architecture, Reference, load
from archlab.units import SHAPE, SLOPE, WORDS

if TYPE_CHECKING:
    import pandas

    from archlab.experiments import Results

__all__ = ["Comparison", "compare", "sort_keys"]

SCHEMA = 2


def sort_keys() -> tuple[str, ...]:
    """What architectures can be sorted by: their name, and every quantity that they have as wholes."""
    sortable = [each.option for each in QUANTITIES.of_wholes() if each.unit not in (WORDS, SHAPE)]
    return ("name", *sortable)


def _rank(quantity: Quantity) -> Callable[[Result], float]:
    """What to sort by: what is not known comes last; a slope goes by its distance from level."""

    def rank(result: Result) -> float:
        value = quantity.whole(result).rank if quantity.whole else None
        return inf if value is None else abs(value) if quantity.unit is SLOPE else value

    return rank


@dataclass(frozen=True, repr=False)
class Comparison(Printed):
    """Architectures side by side, in the order they are shown.

    >>> found = compare("baseline", "residual", static=True)
    >>> [result.analysis.params.total for result in found]
    [991041, 721857]
    """

    results: tuple[Result, ...]
    training: Results | None = None
    """What came of training them, where they were."""
    input: tuple[int | None, ...] | None = None
    """The input that all of them were given, where it is not their own."""

    def __iter__(self):
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, key: int | str) -> Result:
        if isinstance(key, int):
            return self.results[key]
        for result in self.results:
            if result.name == key:
                return result
        raise UnknownNameError(f"no architecture named {key!r}: {did_you_mean(key, [each.name for each in self])}")

    def measured(
        self, data: Any = None, seeds: int | None = None, progress: Callable[[str, str], None] | None = None
    ) -> Comparison:
        """The same with the gradient flow of every architecture measured.

        Args:
            data: a folder of class folders with images. Default: a synthetic batch.
            seeds: initializations: three by default, and a Keras model with its weights as they are.
            progress: called with an architecture's name and a word on every step done.
        """
        from archlab.analysis.measured import gradient_flow  # loads TensorFlow, which a static comparison never needs

        found: list[Result] = []
        for result in self.results:
            on_word = (lambda word, name=result.name: progress(name, word)) if progress else None
            try:
                flow = gradient_flow(result.architecture, data=data, seeds=seeds, progress=on_word)
                found.append(replace(result, gradient_flow=flow))
            except DesignError as error:
                # A layer that cannot be built keeps its own architecture from being measured, not the others.
                found.append(replace(result, not_measured=str(error)))
        return replace(self, results=tuple(found))

    def trained(
        self,
        data: str | Path = "shapes",
        recipe: str = "lecture",
        seeds: int | Sequence[int] = 3,
        *,
        settings: Mapping[str, object] | None = None,
        output: str | Path | None = None,
        on_step: Callable[[str, Any], None] | None = None,
    ) -> Comparison:
        """The comparison with every architecture trained with one recipe, once per seed; the first is the baseline.

        Finished runs are not repeated; interrupted runs are resumed.

        Args:
            data: a folder of class folders, or `shapes`.
            recipe: a recipe's name or file.
            seeds: how many, or which.
            settings: other values for the recipe's fields.
            output: the folder of the runs. Default: a folder under `runs`, named after the architectures.
            on_step: called with an architecture's name and its run's `Step` after every batch and epoch.

        Raises:
            UsageError: an architecture cannot be named for a run, or the folder holds other runs.
        """
        from archlab import experiments

        names = "-vs-".join(result.name for result in self.results)
        folder = Path("runs") / experiments.folder_name(f"{names}-{recipe}") if output is None else Path(output)
        values: dict[str, Any] = dict(settings or {})
        if self.input is not None:
            values["input"] = "x".join(map(str, self.input))
        plan = experiments.Plan(
            "compare",
            [experiments.Candidate(result.name, _reference(result.architecture, folder)) for result in self.results],
            [experiments.RecipeVariant(recipe, recipe, values)],
            list(range(seeds)) if isinstance(seeds, int) else list(seeds),
            str(Path(data).resolve() if Path(data).is_dir() else data),
            folder,
        )

        report = on_step or (lambda name, step: None)

        def trial(spec: experiments.TrialSpec, run: Path) -> None:
            name = f"{spec.architecture}, seed {spec.seed}"
            experiments.train_trial(spec, run, lambda step: report(name, step))

        return replace(self, training=experiments.run(plan, trial=trial))

    def sorted(self, by: str) -> Comparison:
        """The same in another order, the smallest first.

        Raises:
            UsageError: `by` is none of `sort_keys`.
        """
        quantity = QUANTITIES.named(by)
        if by not in sort_keys() and quantity is None:
            raise UsageError(f"cannot sort by {by!r}: {did_you_mean(by, sort_keys())}")
        key = _rank(quantity) if quantity else lambda result: result.name
        return replace(self, results=tuple(sorted(self.results, key=key)))

    def to_dict(self) -> dict[str, Any]:
        """As plain data, by a schema that later versions only add to."""
        data: dict[str, Any] = {"schema": SCHEMA, "architectures": [result.to_dict() for result in self.results]}
        if self.training:
            data["training"] = self.training.to_dict()
        return data

    def report(self, target: float | None = None) -> Report:
        """As a report; `target` is the validation accuracy that times of training are given to."""
        made = comparison_report(self.results)
        return Report((*made.parts, *training_parts(self.training, target))) if self.training else made

    def to_html(
        self, target: float | None = None, *, command: str | None = None, when: datetime | None = None
    ) -> str:  # fmt: skip
        """As one page that opens from a file, with no network: summary, charts, graphs, every layer, provenance.

        Args:
            target: the validation accuracy that times of training are given to.
            command: what the comparison was made by, for the provenance.
            when: it was made; now, by default.

        >>> page = compare("baseline", static=True).to_html()
        >>> page.startswith("<!doctype html>"), "https://" in page
        (True, False)
        """
        from archlab.report.html import comparison_to_html  # loads jinja2 and altair, which text never needs

        return comparison_to_html(
            self.results, self.training, target=target, input=self.input, command=command, when=when
        )

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame with a row for each architecture and a column for each value.

        Raises:
            MissingPartError: pandas is not installed.
        """
        return frame([flat(result.to_dict()) for result in self.results])


def compare(
    *references: Reference | Mapping[str, Reference],
    static: bool = False,
    input: Sequence[int | None] | None = None,
    data: Any = None,
    seeds: int | None = None,
    progress: Callable[[str, str], None] | None = None,
) -> Comparison:
    """Compare architectures: what they cost, how far they see, how gradients flow through them.

    Args:
        references: names of the zoo, parts, graphs; or mappings, which name the architectures in them.
        static: stop before anything is built: no TensorFlow, no gradient flow.
        input: another input shape for all, (height, width) or (height, width, channels).
        data: a folder of class folders with images to measure gradients on. Default: a synthetic batch.
        seeds: initializations to measure gradients under: three by default, and a Keras model with its weights as they
            are.
        progress: called with an architecture's name and a word on every step of the measurement.

    Raises:
        UnknownNameError: a reference names nothing.
        DesignError: an architecture does not add up.

    >>> print(compare("baseline", static=True)["baseline"].analysis.compute.macs)
    415288960
    >>> from archlab import Residual, load
    >>> net = load("residual").tree
    >>> [found.name for found in compare({"ours": net, "cut": net.without(Residual)}, static=True)]
    ['ours', 'cut']
    """
    if not references:
        raise UsageError("compare needs at least one architecture")
    results = []
    for architecture in _loaded(references, input):
        try:
            results.append(Result(architecture, analyze(architecture.graph)))
        except DesignError as error:
            raise error.within(architecture.name) from None
    found = Comparison(_named_apart(results), input=None if input is None else tuple(input))
    return found if static else found.measured(data, seeds, progress)


def _reference(architecture: Architecture, folder: Path) -> str:
    """What a run can load an architecture by; one that has no name of its own is written into the runs' folder."""
    if architecture.reference and architecture.model is None:
        file = Path(architecture.reference.partition(":")[0])
        return (
            architecture.reference.replace(str(file), str(file.resolve()), 1)
            if file.is_file()
            else architecture.reference
        )
    if architecture.tree is None:
        raise UsageError(f"{architecture.name} is a model in memory: save it to a .keras file to have it trained")
    from archlab.experiments import folder_name
    from archlab.notation import write_yaml  # PyYAML, which a comparison without training never needs

    file = folder.resolve() / "architectures" / f"{folder_name(architecture.name)}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, write_yaml(architecture.tree))
    return str(file)


def _loaded(
    references: Sequence[Reference | Mapping[str, Reference]], input: Sequence[int | None] | None
) -> Iterator[Architecture]:
    for reference in references:
        if isinstance(reference, Mapping):
            for name, one in reference.items():
                yield replace(load(one, input), name=name)
        else:
            yield load(reference, input)


def _named_apart(results: list[Result]) -> tuple[Result, ...]:
    """Results with names that differ: `architecture` twice becomes `architecture` and `architecture 2`."""
    names = apart(result.name for result in results)
    return tuple(
        result if name == result.name else replace(result, architecture=replace(result.architecture, name=name))
        for name, result in zip(names, results, strict=True)
    )
