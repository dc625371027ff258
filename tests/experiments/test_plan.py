"""Plans: what a file may say, and one line with its place for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from archlab.errors import ArchlabError, SourceError, UsageError
from archlab.experiments import Candidate, Checks, Plan, RecipeVariant, Resources, check, read_plan
from archlab.experiments._plan import folder_name


def read(tmp_path: Path, text: str) -> Plan:
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    return read_plan(file)


def test_everything_that_a_plan_may_say(tmp_path: Path) -> None:
    plan = read(
        tmp_path,
        """
name: the ablation
data: photos
architectures: [residual, {name: no shortcuts, reference: "plain:depth=12"}, ./net.yaml, mine.py:wide]
recipes: [lecture, {name: small, base: lecture, set: {epochs: 3, input: 96}}, {base: ours.yaml}]
seeds: [0, 7]
set: {epochs: 5, size: {0: 64, 0.5: 96}}
output: kept/here
retries: 4
resources: {cpus: 2, gpus: 0.5, memory: 1.5 GiB}
""",
    )
    assert plan.name == "the ablation"
    assert plan.data == str(tmp_path / "photos") and plan.output == tmp_path / "kept" / "here"
    assert plan.candidates == (
        Candidate("residual", "residual"),
        Candidate("no shortcuts", "plain:depth=12"),
        Candidate("net", str(tmp_path / "net.yaml")),
        Candidate("mine:wide", f"{tmp_path / 'mine.py'}:wide"),
    )
    size = {0: 64, 0.5: 96}
    assert plan.variants == (
        RecipeVariant("lecture", "lecture", {"epochs": 5, "size": size}),
        RecipeVariant("small", "lecture", {"epochs": 3, "size": size, "input": 96}),
        RecipeVariant("ours", str(tmp_path / "ours.yaml"), {"epochs": 5, "size": size}),
    )
    assert (plan.seeds, plan.retries) == ((0, 7), 4)
    assert plan.resources == Resources(2, 0.5, 3 * 2**29)
    assert len(plan.trials()) == 4 * 3 * 2


def test_only_architectures_are_needed(tmp_path: Path) -> None:
    plan = read(tmp_path, "architectures: [residual]")
    assert (plan.name, plan.data, plan.seeds, plan.retries) == ("plan", "shapes", (0, 1, 2), 2)
    assert plan.output == tmp_path / "runs" / "plan"
    assert plan.variants == (RecipeVariant("lecture", "lecture"),)
    assert read(tmp_path, "{architectures: [residual], seeds: 2, data: 'shapes:train=60'}").data == "shapes:train=60"


def test_trials_come_by_seed_first() -> None:
    plan = Plan("x", ("a", "b"), ("r", "s"), (3, 1))
    assert [spec.folder for spec in plan.trials()][:5] == [
        "a/r/seed-3", "b/r/seed-3", "a/s/seed-3", "b/s/seed-3", "a/r/seed-1",
    ]  # fmt: skip
    assert str(plan.trials()[1]) == "b, r, seed 3"


def test_folders_have_names_that_every_system_takes() -> None:
    assert [folder_name(name) for name in ("a b", "../..", "plain:depth=50", "..", "Größe", "a/b\\c", "x" * 200)] == [
        "a-b", "-", "plain-depth=50", "-", "Größe", "a-b-c", "x" * 80,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": empty: write at least 'architectures: [residual, baseline]'"),
        ("- residual", ":1:1: the plan must be a mapping with name, data, architectures, recipes, seeds, set, output, "
         "retries, resources, got a list of 1"),
        ("seeds: 3", ":1:1: there is no key 'architectures': a list of references, such as [residual, baseline]"),
        ("architectures: [a]\narchitecture: [b]",
         ":2:1: the plan has no key 'architecture': did you mean architectures?"),
        ("architectures: [a]\nseeds: 3\nseeds: 4", ":3:1: the plan has 'seeds' twice"),
        ("architectures: residual", ":1:16: architectures must be a list of at least one, got residual"),
        ("architectures: []", ":1:16: architectures must be a list of at least one, got an empty one"),
        ("architectures: [3]", ":1:17: architectures[1] must be text, got 3"),
        ("architectures:\n- [a]", ":2:3: architectures[1] must be a mapping with name, reference, got a list of 1"),
        ("architectures:\n- {nam: x}", ":2:4: architectures[1] has no key 'nam': did you mean name?"),
        ("architectures:\n- {name: x}", ":2:3: architectures[1] needs a reference, such as 'reference: residual'"),
        ("architectures: [a, b, a]", ":1:23: architectures: 'a' is listed twice: rename one of them"),
        ("architectures: ['a:b', a-b]",
         ":1:24: architectures: 'a-b' has the same folder as 'a:b': rename one of them"),
        ("architectures: [a]\nrecipes: [{set: 3}]",
         ":2:17: recipes[1].set must be a mapping such as {epochs: 3}, got 3"),
        ("architectures: [a]\nrecipes: [{set: {size: [[1]]}}]",
         ":2:25: recipes[1].set.size must be a single value, got a list of 1"),
        ("architectures: [a]\nseeds: 0", ":2:8: seeds must be an integer from 1 to 1,000, got 0"),
        ("architectures: [a]\nseeds: [1, -1]",
         ":2:12: seeds[2] must be an integer from 0 to 4,294,967,295, got -1"),
        ("architectures: [a]\nseeds: [1, 1]", ": seeds: a seed is listed twice"),
        ("architectures: [a]\nseeds: true", ":2:8: seeds must be an integer from 1 to 1,000, got true"),
        ("architectures: [a]\nretries: many", ":2:10: retries must be an integer from 0 to 100, got many"),
        ("architectures: [a]\nresources: {cpu: 1}", ":2:13: resources has no key 'cpu': did you mean cpus or gpus?"),
        ("architectures: [a]\nresources: {cpus: .nan}",
         ":2:19: resources.cpus must be a number such as 1 or 0.5, got .nan"),
        ("architectures: [a]\nresources: {memory: 4 loaves}",
         ":2:21: resources.memory must be an amount such as 4 GiB, got 4 loaves"),
        ("architectures: [a]\nresources: {memory: 1%s GiB}" % ("0" * 400),
         f":2:21: resources.memory must be an amount such as 4 GiB, got 1{'0' * 39}…"),
        ('name: "\\uD800"\narchitectures: [a]', r":1:7: name: '\ud800' cannot be read as a value"),
        ("architectures: [!!python/name:os.system a]",
         ":1:17: architectures[1]: the tag !!python/name:os.system is not allowed"),
        ("architectures: [a\nseeds: 3",
         ":2:6: invalid YAML: while parsing a flow sequence expected ',' or ']', but got ':'"),
        ("architectures: [" + ", ".join(f"a{n}" for n in range(200)) + "]\nseeds: 1000",
         ": the plan has 200,000 trials, the limit is 10,000"),
    ],
)  # fmt: skip
def test_what_a_plan_may_not_say(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(tmp_path, text)
    assert str(caught.value) == f"{tmp_path / 'plan.yaml'}{message}"


def test_files_that_are_no_plans(tmp_path: Path) -> None:
    for content, message in ((b"\xff\xfe", "cannot be read, not a text file"), (b"a" * 3_000_000, "3,000,000 bytes")):
        (tmp_path / "plan.yaml").write_bytes(content)
        with pytest.raises(SourceError, match=message):
            read_plan(tmp_path / "plan.yaml")
    with pytest.raises(SourceError, match="cannot be read, no such file or directory"):
        read_plan(tmp_path / "no.yaml")
    with pytest.raises(SourceError, match="cannot be read, is a directory"):
        read_plan(tmp_path)


def test_a_plan_from_python_is_held_to_the_same() -> None:
    with pytest.raises(UsageError, match=r"^a plan needs at least one architecture, one recipe and one seed$"):
        Plan("x", ())
    with pytest.raises(UsageError, match=r"^recipes: 'r' is listed twice: rename one of them$"):
        Plan("x", ("a",), ("r", "r"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("architectures: [residual, residul]",
         "{file}:1:27: no architecture named 'residul': did you mean residual?"),
        ("architectures: [{name: x, reference: no.yaml}]", "{file}:1:38: no file {folder}/no.yaml"),
        ("architectures: [residual]\nrecipes: [lectur]",
         "{file}:2:11: no recipe named 'lectur': did you mean lecture?"),
        ("architectures: [residual]\nrecipes:\n- {set: {epoch: 3}}",
         "{file}:3:3: a recipe has no field 'epoch': did you mean epochs?"),
        ("architectures: [residual]\nset: {input: wide}", "input wide: write sizes such as 96x96 or 96x96x3"),
        ("architectures: [residual, vgg16]\nrecipes: [lecture, {name: s, set: {input: 16}}]", "{file}:1:27: "),
        ("architectures: [residual]\ndata: nowhere", "{folder}/nowhere: there is no such folder"),
        ("architectures: [residual]\ndata: 'shapes:trai=3'",
         "'shapes:trai=3': shapes has no argument 'trai': did you mean train?"),
    ],
)  # fmt: skip
def test_everything_that_a_plan_names_is_checked_first(tmp_path: Path, text: str, message: str) -> None:
    plan = read(tmp_path, text)
    with pytest.raises(ArchlabError) as caught:
        check(plan, Checks())
    assert str(caught.value).startswith(message.format(file=tmp_path / "plan.yaml", folder=tmp_path))
    assert "\n" not in str(caught.value)
