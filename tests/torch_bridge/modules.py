"""Modules of PyTorch that tests share."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


class Twice(nn.Module):
    """A layer that is used twice, one that is not used, a functional call, an operation in place."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.shared = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.unused = nn.Linear(4, 4)
        self.scale = nn.Parameter(torch.ones(8, 1, 1))
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.stem(x), inplace=True)
        x = x + self.shared(x) * self.scale
        x = self.shared(x).relu_()
        return self.head(x.mean((2, 3)))


class Windows(nn.Module):
    """Attention within windows of a map: permutations, views, an Einstein sum."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, stride=4)
        self.norm = nn.LayerNorm(16)
        self.qkv = nn.Linear(16, 48)
        self.out = nn.Linear(16, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patch(x).permute(0, 2, 3, 1)
        b, h, w, c = x.shape
        y = self.norm(x).view(b, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
        q, k, v = self.qkv(y).reshape(y.shape[0], 16, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
        scores = torch.einsum("bhid,bhjd->bhij", q, k).softmax(-1)
        y = (scores @ v).transpose(1, 2).reshape(y.shape[0], 16, c)
        y = self.out(y).view(b, h // 4, w // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
        return (x + y).mean((1, 2))


class Positions(nn.Module):
    """Fixed positions that a convolution projects at every call (Maaz et al. 2022), and windows that one reads."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("grid", torch.ones(1, 6, 16, 16))
        self.grid: torch.Tensor
        self.project = nn.Conv2d(6, 8, 1)
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.inside = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.token = nn.BatchNorm1d(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x) + self.project(self.grid)
        b, c, h, w = x.shape
        y = x.view(b, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, 4, 4)
        y = self.norm(self.inside(y)).mean((2, 3))
        return self.token(y).view(b, -1, c).mean(1)


class Routed(nn.Module):
    """A kernel for each sample, mixed of four by what comes in (Yang et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.route = nn.Linear(3, 4)
        self.kernels = nn.Parameter(torch.ones(4, 8 * 3 * 3 * 3))
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, c, h, w = x.shape
        kernel = (self.route(x.mean((2, 3))).sigmoid() @ self.kernels).view(b * 8, c, 3, 3)
        y = F.conv2d(x.reshape(1, b * c, h, w), kernel, padding=1, groups=b)
        y = self.norm(y.permute(1, 0, 2, 3).reshape(b, 8, h, w))
        return F.adaptive_avg_pool2d(y, 1).flatten(1)


class Shuffled(nn.Module):
    """Grouped convolutions with a channel shuffle between them (Zhang et al. 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(32)
        self.grouped = nn.Conv2d(32, 32, 1, groups=4, bias=False)
        self.after = nn.BatchNorm2d(32)
        self.last = nn.Conv2d(32, 32, 1, groups=4, bias=False)
        self.head = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.after(self.grouped(self.norm(self.stem(x)).relu()))
        b, c, h, w = x.shape
        x = x.view(b, 4, c // 4, h, w).transpose(1, 2).contiguous().view(b, c, h, w)
        return self.head(self.last(x.relu()).mean((2, 3)))


class Parted(nn.Module):
    """Half of the channels go past a convolution, as in ShuffleNet (Ma et al. 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(32)
        self.conv = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.last = nn.Conv2d(32, 32, 3, padding=1, bias=False)
        self.head = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        past, through = self.norm(self.stem(x)).relu().chunk(2, dim=1)
        return self.head(self.last(torch.cat([past, self.conv(through)], 1)).mean((2, 3)))


class Joined(nn.Module):
    """A list of one map that is joined, as the first layer of a dense block does."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(32)
        self.conv = nn.Conv2d(32, 32, 3, padding=1, bias=False)
        self.head = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(torch.cat([self.stem(x)], 1)).relu()
        return self.head(self.conv(x).mean((2, 3)))


class Branching(nn.Module):
    """What it computes depends on data."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        return x if x.mean() > 0 else -x


class Counting(nn.Module):
    """A module that changes its own buffers and attributes when it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))
        self.register_buffer("mean", torch.zeros(()))
        self.calls: torch.Tensor
        self.mean: torch.Tensor
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.mean = 0.9 * self.mean + 0.1 * x.mean()
        self.last = x
        return self.norm(x)


def plain(width: int = 8) -> nn.Module:
    """A few convolutions with everything that PyTorch's layers have."""
    return nn.Sequential(
        nn.Conv2d(3, width, 7, stride=2, padding=3), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, padding=1), nn.Conv2d(width, width, 3, padding=2, dilation=2, groups=2), nn.GELU(),
        nn.Conv2d(width, 2 * width, 3, padding=1, groups=width), nn.Hardswish(inplace=True), nn.AvgPool2d(2),
        nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=1), nn.SiLU(inplace=True),
        nn.Dropout(0.5), nn.GroupNorm(2, width), nn.PReLU(width), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(width, 4), nn.LogSoftmax(-1),
    )  # fmt: skip


def saved_bytes(module: Any, x: torch.Tensor) -> int:
    """Bytes of what autograd saves for the backward pass, each memory once, without parameters and buffers."""
    own = {each.untyped_storage().data_ptr() for each in (*module.parameters(), *module.buffers())}
    seen: dict[int, tuple[int, torch.Tensor]] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own and storage.nbytes():
            seen[storage.data_ptr()] = storage.nbytes(), tensor  # kept alive, so that no address comes twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        made = module(x)
    del made
    return sum(size for size, _ in seen.values())
