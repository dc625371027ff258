"""Gradient flow while a loop trains a module: the right figures at the right steps, and training undisturbed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'archlab[torch]'")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from archlab import gradient_flow, read_run, record_gradients  # noqa: E402
from archlab.errors import OutputError, UsageError  # noqa: E402

X = torch.randn(24, 3, 8, 8, generator=torch.Generator().manual_seed(0))
Y = torch.arange(24) % 3


def _net() -> Any:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Dropout(0.3),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3),
    )  # fmt: skip


def _train(module: Any, record: Any = None, steps: int = 6, kind: Any = torch.optim.SGD) -> list[float]:
    optimizer = kind(module.parameters(), lr=0.05)
    losses: list[float] = []
    for step in range(steps):
        if record is not None:
            record.epoch = step // 3
        optimizer.zero_grad()
        loss = F.cross_entropy(module(X[4 * step : 4 * step + 4]), Y[4 * step : 4 * step + 4])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW])
def test_training_goes_on_as_if_it_had_not_been_watched(tmp_path: Path, kind: Any) -> None:
    plain = _net()
    expected = _train(plain, kind=kind)
    module = _net()
    with record_gradients(tmp_path / "run.jsonl", X[:8], Y[:8], module=module, every=2, share=1.0) as record:
        assert _train(module, record, kind=kind) == expected
    for one, other in zip(plain.state_dict().values(), module.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert [(r.step, r.epoch) for r in read_run(tmp_path / "run.jsonl").records] == [(0, 0), (2, 0), (4, 1), (6, 1)]


def test_a_record_is_what_is_measured_then(tmp_path: Path) -> None:
    module = _net()
    before = gradient_flow(module, X[:8], Y[:8])
    with record_gradients(tmp_path / "run.jsonl", X[:8], Y[:8], module=module, every=6, share=1.0):
        _train(module)
        after = gradient_flow(module, X[:8], Y[:8])
    first, last = read_run(tmp_path / "run.jsonl").records
    assert (first.flow, last.flow) == (before, after)
    line = json.loads((tmp_path / "run.jsonl").read_text().splitlines()[0])
    assert {"step", "epoch", "seconds", "layers", "verdict"} <= line.keys()


def test_other_optimizers_and_what_comes_after_are_not_counted(tmp_path: Path) -> None:
    module, other = _net(), _net()
    with record_gradients(tmp_path / "run.jsonl", X[:8], module=module, every=1, share=1.0) as record:
        _train(other)
        assert record.step == 0
        _train(module, steps=2)
    _train(module, steps=2)
    assert record.step == 2
    assert [r.step for r in read_run(tmp_path / "run.jsonl").records] == [0, 1, 2]


def test_records_take_no_more_than_their_share(tmp_path: Path) -> None:
    module = _net()
    with record_gradients(tmp_path / "run.jsonl", X[:8], Y[:8], module=module, every=1, share=1e-6):
        _train(module)
    assert [r.step for r in read_run(tmp_path / "run.jsonl").records] == [0]


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not say what it takes"):
        record_gradients(tmp_path / "run.jsonl", module=_net())
    with pytest.raises(UsageError, match="of Keras models alone"):
        record_gradients(tmp_path / "run.jsonl", X, module=_net(), tensorboard=tmp_path)
    with pytest.raises(UsageError, match="needs a PyTorch module"):
        record_gradients(tmp_path / "run.jsonl", X, module="residual")
    with pytest.raises(OutputError), record_gradients(tmp_path / "none" / "run.jsonl", X, module=_net()):
        pass
