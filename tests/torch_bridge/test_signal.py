"""Predicted gradients of modules that call functions between their layers, against those that autograd measures."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'archlab[torch]'")
# Before TensorFlow, which another test of the process may load: the other way round its import can end the process.
pytest.importorskip("torchvision")
from torch import nn  # noqa: E402

from archlab import gradient_flow, predict_gradient_flow  # noqa: E402


class Shuffled(nn.Module):
    """Units of ShuffleNet (Ma et al. 2018, figure 3c) without normalization: half the channels go by."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 32, 3)
        self.inner = nn.ModuleList(nn.Conv2d(16, 16, 3, padding=1) for _ in range(3))
        self.last = nn.Linear(32, 4)
        for each in (self.first, *self.inner):
            nn.init.kaiming_normal_(each.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x).clamp(min=0)
        for inner in self.inner:
            kept, moved = x.chunk(2, 1)
            x = torch.cat([kept, inner(moved).relu()], 1)
            x = x.view(-1, 2, 16, *x.shape[2:]).transpose(1, 2).reshape(x.shape)
        return self.last(torch.cat([x], 1).clone().mean((2, 3)))


def test_a_shuffle_of_channels() -> None:
    torch.manual_seed(0)
    draws: list[list[float]] = []
    for _ in range(6):
        measured = gradient_flow(Shuffled(), input=(3, 16, 16))
        draws.append([layer.activation_gradient_rms for layer in measured.layers if layer.body])
    predicted = predict_gradient_flow(Shuffled(), input=(3, 16, 16))
    assert predicted.reliable, predicted.why
    ours = [layer.activation_gradient_rms for layer in predicted.layers if layer.body]
    assert len(ours) == len(draws[0]) == 4
    for predicted_rms, each in zip(ours, zip(*draws, strict=True), strict=True):
        assert predicted_rms is not None and 0.75 < predicted_rms / sorted(each)[len(each) // 2] < 1.33


@pytest.mark.parametrize(
    "name", ["densenet121", "efficientnet_b0", "shufflenet_v2_x0_5", "googlenet", "inception_v3", "squeezenet1_1"]
)
def test_models_of_torchvision_are_predicted(name: str) -> None:
    found = predict_gradient_flow(f"torchvision:{name}")
    assert found.reliable and found.slope is not None, found.why
