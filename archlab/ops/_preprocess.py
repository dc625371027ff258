"""What stands between a photo and the first convolution: scaling, resizing, random augmentation."""

from __future__ import annotations

from dataclasses import dataclass

from archlab.arguments import choice, whole
from archlab.errors import ArgumentError, ShapeError
from archlab.graph import Shape, elements, format_shape
from archlab.ops._base import FREE, Cost, Kept, KerasLayer, Op, Weight, channels, ranked, weight
from archlab.ops._window import POINTWISE, Window, Windows, every, resized, shift
from archlab.signals import Passed, Signal, Sliding, enlarged, relocated, rescaled, unchanged
from archlab.units import RESCALE_FLOPS, RESIZE_FLOPS


def _planar(shape: Shape, what: str) -> None:
    if len(shape) != 3:
        raise ShapeError(f"{what} needs an image, such as (32, 32, 3), got {format_shape(shape)}")


class _Scaled(Op, abstract=True):
    """Element by element, a multiplication and an addition."""

    family = "preprocessing"
    rescales_input = True

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...] | None:
        return ()

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, RESCALE_FLOPS * elements(output))

    def window(self, *inputs: Shape) -> Window | None:
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # TensorFlow writes down the gradient of a fixed factor too.
        return Kept(inputs=True)


def _each(value: float | tuple[float, ...]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True, repr=False)
class Rescaling(_Scaled):
    """`x · scale + offset`, such as Rescaling(1 / 255); one number, or one for each channel."""

    scale: float | tuple[float, ...]
    offset: float | tuple[float, ...] = 0.0

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return rescaled(inputs[0], _each(self.scale), _each(self.offset))

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("Rescaling", {"scale": self.scale, "offset": self.offset})


@dataclass(frozen=True, repr=False)
class Normalization(_Scaled):
    """`(x − mean) / √variance` per channel; without numbers, statistics that are adapted to the data."""

    mean: float | tuple[float, ...] | None = None
    variance: float | tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if (self.mean is None) != (self.variance is None):
            raise ArgumentError("Normalization takes mean and variance together, or neither")

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        if self.mean is not None:
            return ()
        size = (channels(inputs[0]),)
        return (
            weight("mean", size, "statistic", False),
            weight("variance", size, "statistic", False),
            weight("count", (), "statistic", False)._replace(dtype="int64"),
        )

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(extra=elements(output))  # what is divided, centred already

    @property
    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The means and variances of the input that it expects, by channel; adapted to nothing yet, 0 and 1."""
        means = _each(0.0 if self.mean is None else self.mean)
        variances = _each(1.0 if self.variance is None else self.variance)
        return means * (len(variances) // len(means) or 1), variances * (len(means) // len(variances) or 1)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        means, variances = self.statistics
        scales = tuple([max(v**0.5, 1e-7) ** -1 for v in variances])
        return rescaled(inputs[0], scales, tuple([-m * s for m, s in zip(means, scales, strict=True)]))

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("Normalization", {"axis": -1, "mean": self.mean, "variance": self.variance})


@dataclass(frozen=True, repr=False)
class Resizing(Op):
    """Interpolates to a fixed height and width, the centres of pixels aligned."""

    family = "preprocessing"
    height: int
    width: int
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        whole("height of Resizing", self.height)
        whole("width of Resizing", self.width)
        choice("interpolation", self.interpolation, tuple(RESIZE_FLOPS))

    def output(self, *inputs: Shape) -> Shape:
        _planar(inputs[0], "Resizing")
        return (self.height, self.width, inputs[0][-1])

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return ()

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, RESIZE_FLOPS[self.interpolation] * elements(output))

    def window(self, *inputs: Shape) -> Window | None:
        height, width, _ = inputs[0]
        if height is None or width is None or self.interpolation not in ("nearest", "bilinear"):
            return None
        sizes = (height, self.height), (width, self.width)
        return every(resized(size, out, self.interpolation) for size, out in sizes)

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=self.interpolation != "nearest")

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return enlarged(inputs[0], (self.height, self.width))

    def keras(self, *inputs: Shape) -> KerasLayer:
        arguments = {"height": self.height, "width": self.width, "interpolation": self.interpolation}
        return KerasLayer("Resizing", arguments)


class _Augmentation(Op, abstract=True):
    """Changes a photo at random during training and leaves it alone at inference."""

    family = "preprocessing"
    free = True
    view = "inference"
    random = True

    def output(self, *inputs: Shape) -> Shape:
        ranked(inputs[0], 3, type(self).__name__)
        return inputs[0]

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return FREE

    def window(self, *inputs: Shape) -> Window | None:
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer(type(self).__name__, self._arguments())

    def _arguments(self) -> dict[str, object]:
        return dict(vars(self))


Range = float | tuple[float, float]


@dataclass(frozen=True, repr=False)
class RandomFlip(_Augmentation):
    """Mirrors half of the photos, 'horizontal', 'vertical' or both ways."""

    mode: str = "horizontal_and_vertical"

    def __post_init__(self) -> None:
        choice("mode", self.mode, ("horizontal", "vertical", "horizontal_and_vertical"))

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        # A mirrored photo has the same moments.
        return unchanged(inputs[0])


@dataclass(frozen=True, repr=False)
class RandomRotation(_Augmentation):
    """Turns by up to a share of a full circle, RandomRotation(0.1) by up to 36 degrees either way."""

    factor: Range

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        # Photos are filled by reflection: turned ones have about the same moments.
        return unchanged(inputs[0])


@dataclass(frozen=True, repr=False)
class RandomZoom(_Augmentation):
    """Zooms in or out by up to a share of the height (and of the width, the same by default)."""

    height_factor: Range
    width_factor: Range | None = None

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        # About the same moments: what a zoom stretches is small against the lags that matter.
        return unchanged(inputs[0])


@dataclass(frozen=True, repr=False)
class RandomTranslation(_Augmentation):
    """Shifts by up to a share of the height and of the width."""

    height_factor: Range
    width_factor: Range

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        # Photos are filled by reflection: shifted ones have about the same moments.
        return unchanged(inputs[0])


class _Clipped(_Augmentation, abstract=True):
    """Changes the values of a photo, and clips them to the range of pixels."""

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # What was clipped stands at an end of the range.
        return Kept(output=True)


@dataclass(frozen=True, repr=False)
class RandomContrast(_Clipped):
    """Changes the contrast by up to a share."""

    factor: Range


@dataclass(frozen=True, repr=False)
class RandomBrightness(_Clipped):
    """Changes the brightness by up to a share of the range of values."""

    factor: Range


@dataclass(frozen=True, repr=False)
class RandomCrop(Op):
    """Cuts a window of that size out: anywhere during training, the centre at inference."""

    family = "preprocessing"
    height: int
    width: int
    free = True
    random = True

    def __post_init__(self) -> None:
        whole("height of RandomCrop", self.height)
        whole("width of RandomCrop", self.width)

    def output(self, *inputs: Shape) -> Shape:
        _planar(inputs[0], "RandomCrop")
        return (self.height, self.width, inputs[0][-1])

    def window(self, *inputs: Shape) -> Window | None:
        before: list[int] = []
        for size, kept in zip(inputs[0], (self.height, self.width), strict=False):
            # A photo smaller than the window is enlarged first, which depends on both sides: left unknown.
            if size is None or size < kept:
                return None
            before.append(-((size - kept) // 2))
        return Windows((shift(before[0]), shift(before[1])))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        x = inputs[0]
        if x.size == output[:-1]:
            return unchanged(x)
        if any([n < m for n, m in zip(x.size, (self.height, self.width), strict=True)]):
            return None  # enlarged first
        return relocated(x, Sliding(x.size, (self.height, self.width), (shift(0), shift(0)), 1))

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("RandomCrop", {"height": self.height, "width": self.width})
