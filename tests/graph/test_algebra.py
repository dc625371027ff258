"""Parts as a user meets them: their arguments, their errors, and transforms by the name of a kind."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

import pytest

from archlab import BatchNorm, Conv, Input, LeakyReLU, MaxPool, Parallel, ReLU, Reshape, Residual, load
from archlab.errors import ArgumentError, ShapeError
from archlab.ops import Op

NET = Input(32, 32, 1) >> Conv(8) >> Residual(BatchNorm() >> ReLU() >> Conv(8)) >> ReLU()


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Conv, "filters kernel stride padding dilation groups bias activation initializer"),
        (MaxPool, "size stride padding"),
        (Input, "shape dtype"),
        (Reshape, "shape"),
        (Parallel, "branches merge"),
    ],
)
def test_a_signature_shows_the_arguments(kind: type, names: str) -> None:
    assert " ".join(inspect.signature(kind).parameters) == names


def test_completion_offers_the_arguments() -> None:
    completer = pytest.importorskip("IPython.core.completer").IPCompleter
    found = completer(namespace={"Conv": Conv}, use_jedi=False)
    assert "kernel=" in [match.text.strip() for match in _matches(found, "Conv(ker")]


def _matches(completer, text: str):
    from IPython.core.completer import provisionalcompleter

    with provisionalcompleter():
        return list(completer.completions(text, len(text)))


def test_what_the_signature_refuses_names_the_closest_argument() -> None:
    with pytest.raises(ArgumentError, match="Conv has no argument 'kernl': did you mean kernel"):
        Conv(8, kernl=3)  # pyright: ignore[reportCallIssue]
    with pytest.raises(ArgumentError, match=r"Residual: .* missing 1 required positional argument: 'body'"):
        Residual()  # pyright: ignore[reportCallIssue]


def test_a_type_error_of_a_users_own_keeps_its_traceback() -> None:
    @dataclass(frozen=True, repr=False)
    class Doubled(Op, abstract=True):
        times: int = 2

        def __post_init__(self) -> None:
            len(self.times)  # pyright: ignore[reportArgumentType]

    with pytest.raises(TypeError, match=r"object of type 'int' has no len\(\)") as caught:
        Doubled()
    assert not isinstance(caught.value, ArgumentError)
    assert caught.traceback[-1].name == "__post_init__"


def test_kinds_by_name_are_the_classes() -> None:
    assert NET.replace("ReLU", "LeakyReLU") == NET.replace(ReLU, LeakyReLU)
    assert NET.replace("ReLU", LeakyReLU(0.1)) == NET.replace(ReLU, LeakyReLU(0.1))
    assert NET.without("Residual", BatchNorm) == NET.without(Residual, BatchNorm) != NET


@pytest.mark.parametrize(
    "change", [lambda n: n.without("RelU"), lambda n: n.replace("RelU", ReLU), lambda n: n.replace(Conv, "RelU")]
)
def test_an_unknown_kind_is_answered_with_the_closest(change) -> None:
    with pytest.raises(ArgumentError, match=r"no kind of part is called 'RelU': did you mean .*ReLU"):
        change(NET)
    with pytest.raises(ArgumentError, match=r"a kind of part is a class, such as ReLU, or its name, got 3"):
        NET.without(3)  # pyright: ignore[reportArgumentType]


def test_two_sizes_leave_the_channels_as_they_are() -> None:
    assert NET.with_input(96, 64) == NET.with_input(96, 64, 1)
    with pytest.raises(ShapeError, match="an input of 3 axes cannot become 96, which has 1"):
        NET.with_input(96)
    net = load("baseline")
    assert net.tree is not None
    assert net.with_input((96, 64)).tree == net.tree.with_input(96, 64)
