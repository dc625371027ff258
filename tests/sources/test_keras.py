"""References to Keras models: by name, in a file, in Python of one's own; and what is refused."""

from __future__ import annotations

import textwrap
import zipfile
from pathlib import Path

import pytest

from archlab import Conv, Input, analyze, load
from archlab.errors import ArchlabError, SourceError, UsageError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy


def test_a_model_of_keras_applications_by_name() -> None:
    found = load("keras:MobileNetV3Small:alpha=0.75,minimalistic=True", input=(96, 96))
    assert found.graph[0].shape == (96, 96, 3)
    assert analyze("keras:mobilenetv2").params.total == 3_538_984


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    import keras

    x = keras.Input((8, 8, 3))
    keras.Model(x, keras.layers.Conv2D(4, 3)(x)).save(tmp_path / "net.keras")
    return tmp_path / "net.keras"


def test_a_model_in_a_file(saved: Path) -> None:
    found = load(str(saved))
    assert found.name == "net"
    assert analyze(found).params.total == 112


def refused(reference: object) -> str:
    with pytest.raises(ArchlabError) as caught:
        load(str(reference))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_that_are_refused(saved: Path, tmp_path: Path) -> None:
    assert refused(tmp_path / "nett.keras") == f"no file {tmp_path}/nett.keras: did you mean {saved}?"
    short = tmp_path / "short.keras"
    short.write_bytes(saved.read_bytes()[:200])
    assert refused(short).startswith(f"{short} is not a Keras file, or it is cut short")
    other = tmp_path / "other.keras"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert refused(other) == f"{other} is not a Keras file: it holds no config.json"
    bomb = tmp_path / "bomb.keras"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", b"\0" * (300 * 2**20))
    assert "unpacks to 314,572,802 bytes" in refused(bomb)


CODE = """
    import keras
    from archlab import Conv, Input

    net = Input(8, 8, 3) >> Conv(4)
    number = 3

    def build(width: int = 4, twice: bool = False, size=8):
        return Input(size, size, 3) >> Conv(width) * (2 if twice else 1)

    def live():
        x = keras.Input((8, 8, 3))
        return keras.Model(x, keras.layers.Conv2D(4, 3)(x))

    def needs(width):
        return build(width)

    def broken():
        raise RuntimeError("no luck")

    def nothing():
        return None
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "nets_of_mine.py"
    path.write_text(textwrap.dedent(CODE))
    return path


def test_python_of_ones_own(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(f"{code}:net").tree == Input(8, 8, 3) >> Conv(4)
    assert load(f"{code}:build:width=6,twice=true,size=9").tree == Input(9, 9, 3) >> Conv(6) * 2
    assert load(f"{code}:needs:width=5").graph.nodes[-1].shape == (8, 8, 5)
    assert analyze(f"{code}:live").params.total == 112
    package = code.parent / "mine"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "nets.py").write_text(textwrap.dedent(CODE))
    monkeypatch.chdir(code.parent)
    assert load("mine.nets:build:width=2").graph.nodes[-1].shape == (8, 8, 2)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (":nett", "{0} has no 'nett': did you mean net?"),
        ("", "{0}: name what to take from it, as in {0}:net"),
        (":number", "{0}:number is int, and no architecture or function that returns one"),
        (":build:widht=3", "{0}:build:widht=3: no argument 'widht': did you mean width?"),
        (":build:width=x", "{0}:build:width=x: width must be a whole number, got 'x'"),
        (":needs", "{0}:needs: its argument 'width' is needed, as in {0}:needs:width=…"),
        (":broken", "{0}:broken: nets_of_mine.py, line 19: RuntimeError: no luck"),
        (":nothing", "{0}:nothing() returns no part, graph, architecture, Keras model or PyTorch module"),
    ],
)
def test_python_that_is_refused(code: Path, name: str, message: str) -> None:
    with pytest.raises(ArchlabError) as caught:
        load(f"{code}{name}")
    assert str(caught.value) == message.format(code)


def test_names_that_are_refused() -> None:
    assert refused("keras:ResNet5") == (
        "no model named 'ResNet5' in keras.applications: did you mean ResNet50 or ResNet152 or ResNet50V2?"
    )
    assert refused("keras:ResNet50:clases=3").startswith("ResNet50 has no argument 'clases': did you mean classes")
    assert refused("no_such.module:net").startswith("no_such.module: ModuleNotFoundError")
    with pytest.raises(SourceError, match=r"^no file no/such\.py$"):
        load("no/such.py:net")


def test_a_live_model_as_it_is() -> None:
    import keras

    x = keras.Input((8, 8, 3))
    model = keras.Model(x, keras.layers.Conv2D(4, 3)(x), name="mine")
    assert (load(model).name, analyze(model).params.total) == ("mine", 112)


def test_the_input_shape_of_a_model_of_keras_is_read_as_sizes_are() -> None:
    for text in ("64x64", "64x64x3", "(64,64,3)"):
        graph = load(f"keras:MobileNetV3Small:input_shape={text}").graph
        assert graph.nodes[graph.inputs[0]].shape == (64, 64, 3)
    with pytest.raises(UsageError, match=r"input_shape 224: write sizes such as .*: a square of 224 pixels is 224x224"):
        load("keras:MobileNetV3Small:input_shape=224")
