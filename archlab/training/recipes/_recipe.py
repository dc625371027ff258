from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from archlab.errors import UsageError, did_you_mean
from archlab.parsing import read_bool
from archlab.text import shown

Optimizer = Literal["rmsprop", "sgd", "adam", "adamw", "muon", "lion"]
Schedule = Literal["constant", "linear", "cosine"]
Precision = Literal["float32", "bfloat16"]
Selection = Literal["val_loss", "val_accuracy", "last"]
Sizes = tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters of training. Every field can be set in a YAML file and on the command line.

    >>> from archlab.training import recipe
    >>> recipe("lecture").epochs
    20
    >>> recipe("lecture").with_settings({"lr": "0.003", "size": "0:64,0.5:96"}).size
    ((0.0, 64), (0.5, 96))
    """

    name: str
    summary: str = ""
    epochs: int = 20
    batch: int = 32
    size: Sizes = ()
    """Side of the training images in px, by the fraction of epochs from which it applies: ((0, 64), (0.5, 96)). Empty:
    the architecture's input size."""
    test_size: int = 0
    """Side of the images in validation and test, px; 0: the last of `size`."""
    optimizer: Optimizer = "rmsprop"
    lr: float = 0.001
    """The peak learning rate."""
    schedule: Schedule = "constant"
    """After the warm-up: constant, or linear or cosine decay to zero."""
    warmup: float = 0.0
    """The fraction of all steps with linear warm-up from zero."""
    weight_decay: float = 0.0
    """Decoupled weight decay (Loshchilov and Hutter 2019), of kernels only."""
    label_smoothing: float = 0.0
    average: float = 0.0
    """Decay per step of an exponential moving average of the weights, which is validated and tested; 0: none. Its batch
    normalization statistics are re-estimated."""
    bn_momentum: float = 0.0
    """Momentum of batch normalization's moving statistics; 0: the architecture's."""
    precision: Precision = "float32"
    """bfloat16: mixed precision, with weights and sums in float32; falls back to float32 without hardware support."""
    flip: bool = False
    """Horizontal flips with probability 0.5."""
    rotation: float = 0.0
    """Random rotation by up to this fraction of a full turn, in both directions."""
    zoom: float = 0.0
    """Random zoom in or out by up to this fraction."""
    crop: float = 1.0
    """The smallest area of a random crop, as a fraction of the image; the crop is resized to the input (Szegedy et al.
    2015)."""
    aspect: float = 1.0
    """The largest change of the crop's aspect ratio relative to the image's, in both directions."""
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    """Brightness, contrast and saturation are scaled by a random factor in 1 ± this."""
    erase: float = 0.0
    """The probability of random erasing of an image (Zhong et al. 2017)."""
    mixup: float = 0.0
    """α of Mixup's Beta distribution (Zhang et al. 2018); 0: no Mixup."""
    cutmix: float = 0.0
    """The probability of CutMix in a batch (Yun et al. 2019)."""
    test_flip: bool = False
    """Test-time augmentation: the mean prediction of an image and its mirror image."""
    test_crop: float = 1.0
    """Test-time augmentation: the mean prediction of five crops at the corners and the centre, with this fraction of
    the image's sides. With `test_flip` it is the ten-crop of Krizhevsky et al. (2012, section 4.1). 1: the whole image.
    Validation after an epoch always uses the whole image."""
    select: Selection = "val_loss"
    """The criterion for the best epoch, whose weights are tested."""
    patience: int = 0
    """Early stopping: epochs without improvement before training stops; 0: no early stopping."""
    validate_every: int = 1
    """Epochs between validations."""
    only: Mapping[str, Mapping[str, object]] = field(default_factory=lambda: MappingProxyType({}))
    """Fields overridden for single architectures, by name: {'baseline': {'flip': False}}."""

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                limits = f"at least {low:g}" if high == _ANY else f"between {low:g} and {high:g}"
                given = shown(value) if isinstance(value, int) else f"{value:g}"
                raise UsageError(f"{name} must be {limits}, got {given}")
        starts = [start for start, _ in self.size]
        if starts and (starts[0] != 0 or starts != sorted(set(starts)) or starts[-1] >= 1):
            raise UsageError(f"size must start at 0 and increase to fractions below 1, got {_size_text(self.size)}")
        for _, pixels in self.size:
            if not 8 <= pixels <= 4096:
                raise UsageError(f"size must be between 8 and 4096 pixels, got {pixels}")
        if self.test_size and not 8 <= self.test_size <= 4096:
            raise UsageError(f"test_size must be between 8 and 4096 pixels, or 0, got {self.test_size}")

    @property
    def views(self) -> int:
        """How many views of an image a prediction of the test is the mean of."""
        return (1 if self.test_crop == 1 else 5) * (2 if self.test_flip else 1)

    def for_architecture(self, name: str) -> Recipe:
        """The recipe with the fields for this architecture, a name of the zoo with or without arguments."""
        settings = self.only.get(name) or self.only.get(name.partition(":")[0])
        return self.with_settings(settings) if settings else self

    def with_settings(self, settings: Mapping[str, object], where: str = "") -> Recipe:
        """The recipe with other values, given as values or as text.

        Raises:
            UsageError: there is no such field, or the value has the wrong type.
        """
        return replace(self, **read_fields(settings, where))

    def to_dict(self) -> dict[str, Any]:
        """As plain data: the name, and the fields that differ from their defaults."""
        plain = Recipe(self.name)
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        data = {key: value for key, value in found.items() if key == "name" or value != getattr(plain, key)}
        if self.only:
            data["only"] = {name: _with_size(settings) for name, settings in self.only.items()}
        return _with_size(data)


def _with_size(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with the size as in a recipe file."""
    size = settings.get("size")
    if not size:
        return dict(settings)
    return {**settings, "size": size[0][1] if len(size) == 1 else dict(size)}


_ANY = float("inf")
_RANGES: Mapping[str, tuple[float, float]] = {
    "epochs": (1, 100_000),
    "batch": (1, 65_536),
    "lr": (0, 100),
    "warmup": (0, 1),
    "weight_decay": (0, 10),
    "label_smoothing": (0, 0.99),
    "average": (0, 0.999999),
    "bn_momentum": (0, 0.999999),
    "rotation": (0, 0.5),
    "zoom": (0, 0.9),
    "crop": (0.01, 1),
    "aspect": (1, 4),
    "brightness": (0, 1),
    "contrast": (0, 1),
    "saturation": (0, 1),
    "erase": (0, 1),
    "mixup": (0, 100),
    "cutmix": (0, 1),
    "test_crop": (0.1, 1),
    "patience": (0, _ANY),
    "validate_every": (1, _ANY),
}
_HINTS = get_type_hints(Recipe)


def read_fields(settings: Mapping[str, object], where: str = "") -> dict[str, object]:
    """Settings, converted to the types of their fields.

    Raises:
        UsageError: names the field and what it takes.
    """
    before = f"{where}: " if where else ""
    values: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in _HINTS:
            raise UsageError(f"{before}a recipe has no field {shown(name)}: {did_you_mean(str(name), _HINTS)}")
        try:
            values[name] = _read(name, value)
        except UsageError as error:
            raise UsageError(f"{before}{error}") from None
        except (ValueError, TypeError, OverflowError):
            raise UsageError(f"{before}{name} must be {_expected(name)}, got {shown(value)}") from None
    return values


def _read(name: str, value: Any) -> Any:
    kind = _HINTS[name]
    if name == "size":
        return _read_sizes(value)
    if name == "only":
        if not isinstance(value, Mapping) or not all(isinstance(one, Mapping) for one in value.values()):
            raise ValueError
        return MappingProxyType({key: MappingProxyType(read_fields(one, f"only {key}")) for key, one in value.items()})
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise UsageError(f"{name} {shown(value)}: {did_you_mean(str(value), get_args(kind))}")
        return value
    if kind is bool:
        if (switch := read_bool(str(value))) is None:
            raise ValueError
        return switch
    if kind is str:
        if not isinstance(value, str | int | float):
            raise UsageError(f"{name} {shown(value)}: text is needed")
        return str(value)
    if isinstance(value, bool):
        raise ValueError
    number = float(value)
    if kind is int and number != int(number):
        raise ValueError
    return int(number) if kind is int else number


def _read_sizes(value: Any) -> Sizes:
    if isinstance(value, str):
        pairs = [part.split(":") for part in value.split(",")]
        value = pairs[0][0] if len(pairs) == 1 and len(pairs[0]) == 1 else dict(pairs)
    if isinstance(value, Mapping):
        return tuple((float(start), _whole(pixels)) for start, pixels in value.items())
    if isinstance(value, tuple):
        return value
    return () if value is None or float(value) == 0 else ((0.0, _whole(value)),)


def _whole(value: Any) -> int:
    if float(value) != int(float(value)):
        raise ValueError
    return int(float(value))


def _size_text(size: Sizes) -> str:
    return ",".join(f"{start:g}:{pixels}" for start, pixels in size)


def _expected(name: str) -> str:
    if name == "size":
        return "pixels such as 96, or a schedule such as 0:64,0.5:96"
    return {bool: "true or false", int: "an integer", float: "a number"}.get(_HINTS[name], "a mapping of fields")
