"""The zoo's registry: what is entered is found, by any spelling, at any time."""

from __future__ import annotations

import pytest

from archlab import Conv, Input, Part, load
from archlab.errors import UsageError
from archlab.zoo import _registry, architecture


def test_what_is_entered_after_the_zoo_was_listed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_registry, "_entries", dict(_registry.entries()))

    @architecture("nobody, Nothing")
    def late_net(width: int = 8) -> Part:
        """A convolution."""
        return Input(8, 8, 3) >> Conv(width)

    assert load("Late-Net:width=4").graph.nodes[-1].shape == (8, 8, 4)
    assert late_net().to_graph().nodes[-1].shape == (8, 8, 8)


@pytest.mark.parametrize("reference", ["plain:depth=None", "residual:width=None", "baseline:classes=None"])
def test_none_is_no_number(reference: str) -> None:
    with pytest.raises(UsageError, match="must be a whole number, got 'None'"):
        load(reference)
