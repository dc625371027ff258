from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab.errors import SourceError, UnknownNameError, UsageError
from archlab.training.recipes import Recipe, names, recipe, to_yaml


def test_the_lecture_is_the_notebook() -> None:
    """Figures from the notebook: rmsprop as Keras has it, 20 epochs of batches of 32, three augmentations."""
    chosen = recipe("lecture").for_architecture("residual")
    assert (chosen.optimizer, chosen.lr, chosen.epochs, chosen.batch, chosen.select) == (
        "rmsprop",
        0.001,
        20,
        32,
        "val_loss",
    )
    assert (chosen.flip, chosen.rotation, chosen.zoom, chosen.size) == (True, 0.1, 0.2, ())
    assert (chosen.schedule, chosen.average, chosen.label_smoothing, chosen.weight_decay, chosen.test_flip) == (
        "constant",
        0,
        0,
        0,
        False,
    )


@pytest.mark.parametrize("name", ["baseline", "baseline:width=16"])
def test_the_lecture_does_not_augment_the_baseline(name: str) -> None:
    chosen = recipe("lecture").for_architecture(name)
    assert (chosen.flip, chosen.rotation, chosen.zoom) == (False, 0, 0)


@pytest.mark.parametrize("name", names())
def test_what_is_written_is_read_again(name: str, tmp_path) -> None:
    chosen = recipe(name)
    file = tmp_path / f"{name}.yaml"
    file.write_text(to_yaml(chosen))
    assert recipe(file) == chosen


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "lr": st.floats(1e-6, 10),
            "epochs": st.integers(1, 500),
            "flip": st.booleans(),
            "optimizer": st.sampled_from(["sgd", "muon", "lion"]),
            "size": st.lists(st.integers(8, 300), min_size=1, max_size=4).map(
                lambda pixels: {number / len(pixels): each for number, each in enumerate(pixels)}
            ),
        },
    )
)
def test_settings_mean_the_same_as_values_and_as_text(values) -> None:
    def text(value) -> str:
        return ",".join(f"{a}:{b}" for a, b in value.items()) if isinstance(value, dict) else str(value)

    plain = Recipe("x").with_settings(values)
    assert plain == Recipe("x").with_settings({key: text(value) for key, value in values.items()})


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"summary": ["a"]}, "summary ['a']: text is needed"),
        ({"lrr": 1}, "a recipe has no field 'lrr': did you mean lr?"),
        ({"lr": "fast"}, "lr must be a number, got 'fast'"),
        ({"lr": "-1"}, "lr must be between 0 and 100, got -1"),
        ({"lr": "nan"}, "lr must be between 0 and 100, got nan"),
        ({"epochs": "1.5"}, "epochs must be an integer, got '1.5'"),
        ({"epochs": 0}, "epochs must be between 1 and 100000, got 0"),
        ({"flip": "perhaps"}, "flip must be true or false, got 'perhaps'"),
        ({"optimizer": "rmsprob"}, "optimizer 'rmsprob': did you mean rmsprop?"),
        ({"size": "big"}, "size must be pixels such as 96, or a schedule such as 0:64,0.5:96, got 'big'"),
        ({"size": "0.5:64"}, "size must start at 0 and increase to fractions below 1, got 0.5:64"),
        ({"size": 4}, "size must be between 8 and 4096 pixels, got 4"),
        (
            {"only": {"baseline": {"flop": 1}}},
            "only baseline: a recipe has no field 'flop': did you mean flip or crop?",
        ),
    ],
)
def test_a_wrong_setting_is_named(setting, message: str) -> None:
    with pytest.raises(UsageError) as error:
        recipe("lecture").with_settings(setting)
    assert str(error.value) == message


def test_an_unknown_recipe() -> None:
    with pytest.raises(UnknownNameError, match=r"no recipe named 'lectur': did you mean lecture?"):
        recipe("lectur")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs: [", "invalid YAML"),
        (f"base: 0x{'f' * 5000}", "base must be the name of a recipe or a file, got a number of 6,021 digits"),
        ("- 1", "a recipe is a mapping of fields"),
        ("epoch: 3", "a recipe has no field 'epoch': did you mean epochs?"),
        ("base: lectre", "no recipe named 'lectre': did you mean lecture?"),
        ("!!python/object/apply:os.system [ls]", "invalid YAML"),
        ("[" * 5000, "nested too deeply|invalid YAML"),
        ("only: 3", "only must be a mapping of fields, got 3"),
    ],
)
def test_a_wrong_file_is_named(text: str, message: str, tmp_path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(SourceError, match=message) as error:
        recipe(file)
    assert str(error.value).startswith(str(file))


def test_a_recipe_that_begins_as_another_one(tmp_path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: lecture\nepochs: 3\n")
    assert recipe(file) == recipe("lecture").with_settings({"name": "mine", "epochs": 3})


def test_a_recipe_that_begins_as_itself(tmp_path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"base: {file}\n")
    with pytest.raises(SourceError, match="circular base"):
        recipe(file)


def test_a_file_that_is_no_recipe(tmp_path) -> None:
    with pytest.raises(SourceError, match="cannot be read: no such file"):
        recipe(tmp_path / "nowhere.yaml")
    large = tmp_path / "large.yaml"
    large.write_text("# " + "x" * 2**17)
    with pytest.raises(SourceError, match="cannot be read: it has 131,074 bytes, the limit is 65,536"):
        recipe(large)
