from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from archlab.errors import UsageError, did_you_mean

Optimizer = Literal["rmsprop", "sgd", "adam", "adamw", "muon", "lion"]
Schedule = Literal["constant", "linear", "cosine"]
Precision = Literal["float32", "bfloat16"]
Selection = Literal["val_loss", "val_accuracy", "last"]
Sizes = tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained, as data: every field can be written in a YAML file and set on the command line.

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
    """Pixels a side, and from which share of the epochs on: ((0, 64), (0.5, 96)). None given: the architecture's own
    input."""
    test_size: int = 0
    """Pixels a side for validation and test; 0: the last of `size`."""
    optimizer: Optimizer = "rmsprop"
    lr: float = 0.001
    """The highest learning rate that the schedule reaches."""
    schedule: Schedule = "constant"
    """After the warm-up: as it is, or down to nothing on a line or a half cosine."""
    warmup: float = 0.0
    """The share of all steps over which the learning rate rises from nothing."""
    weight_decay: float = 0.0
    """Decoupled from the gradient (Loshchilov and Hutter 2019), of kernels alone."""
    label_smoothing: float = 0.0
    average: float = 0.0
    """Decay a step of a moving average of the weights, which is then what is validated and kept; 0: none. The
    statistics of its batch normalization are estimated anew."""
    bn_momentum: float = 0.0
    """Of every batch normalization's moving statistics; 0: the architecture's own."""
    precision: Precision = "float32"
    """bfloat16 keeps weights and sums in float32; float32 is used where the processor has no bfloat16."""
    flip: bool = False
    """Left to right, every other photo."""
    rotation: float = 0.0
    """Up to this share of a full turn either way."""
    zoom: float = 0.0
    """In or out by up to this share."""
    crop: float = 1.0
    """The least share of the photo's area that is cut out and stretched to the input (Szegedy et al. 2015)."""
    aspect: float = 1.0
    """The cut's width may be up to so many times its height, or the other way round, against the photo's own."""
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    """Times a random number in 1 ± this."""
    erase: float = 0.0
    """The share of photos of which a random rectangle is blanked out (Zhong et al. 2017)."""
    mixup: float = 0.0
    """α of the Beta distribution by which pairs of photos are blended (Zhang et al. 2018); 0: never."""
    cutmix: float = 0.0
    """The share of batches in which photos get a rectangle of another one (Yun et al. 2019)."""
    test_flip: bool = False
    """Predictions are the mean over a photo and its mirror image."""
    test_crop: float = 1.0
    """Predictions are the mean over five cuts of this share of a photo's sides, at its corners and in its middle; with
    their mirror images the ten of Krizhevsky et al. (2012, section 4.1). 1: the photo as it is. Epochs are always
    chosen by photos as they are."""
    select: Selection = "val_loss"
    """By what the epoch is chosen whose weights are kept."""
    patience: int = 0
    """Epochs without a better one after which training ends; 0: it never ends early."""
    validate_every: int = 1
    """Epochs."""
    only: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    """What else holds for single architectures, by name: {'baseline': {'flip': False}}."""

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                limits = f"at least {low:g}" if high == _ANY else f"between {low:g} and {high:g}"
                raise UsageError(f"{name} must be {limits}, got {value:g}")
        starts = [start for start, _ in self.size]
        if starts and (starts[0] != 0 or starts != sorted(set(starts)) or starts[-1] >= 1):
            raise UsageError(f"size must begin at share 0 and go on to shares below 1, got {_size_text(self.size)}")
        for _, pixels in self.size:
            if not 8 <= pixels <= 4096:
                raise UsageError(f"size must be between 8 and 4096 pixels, got {pixels}")
        if self.test_size and not 8 <= self.test_size <= 4096:
            raise UsageError(f"test_size must be between 8 and 4096 pixels, or 0, got {self.test_size}")

    def for_architecture(self, name: str) -> Recipe:
        """The recipe with what holds for this architecture alone: a zoo's name, with or without arguments."""
        settings = self.only.get(name) or self.only.get(name.partition(":")[0])
        return self.with_settings(settings) if settings else self

    def with_settings(self, settings: Mapping[str, Any], where: str = "") -> Recipe:
        """The same with other values, as values or as text.

        Raises:
            UsageError: there is no such field, or the text does not read as its kind.
        """
        return replace(self, **read_fields(settings, where))

    def to_dict(self) -> dict[str, Any]:
        """As plain data: what differs from a recipe that says nothing, and the name."""
        plain = Recipe(self.name)
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        data = {key: value for key, value in found.items() if key == "name" or value != getattr(plain, key)}
        if self.only:
            data["only"] = {name: _with_size(settings) for name, settings in self.only.items()}
        return _with_size(data)


def _with_size(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with the size as it is written in a file."""
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


def read_fields(settings: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Settings as the fields' own kinds.

    Raises:
        UsageError: names the setting and what it takes.
    """
    before = f"{where}: " if where else ""
    values: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in _HINTS:
            raise UsageError(f"{before}a recipe has no setting {name!r}: {did_you_mean(str(name), _HINTS)}")
        try:
            values[name] = _read(name, value)
        except UsageError as error:
            raise UsageError(f"{before}{error}") from None
        except (ValueError, TypeError, OverflowError):
            raise UsageError(f"{before}{name} must be {_expected(name)}, got {_shown(value)}") from None
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
            raise UsageError(f"{name} {_shown(value)}: {did_you_mean(str(value), get_args(kind))}")
        return value
    if kind is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if str(value).lower() not in words:
            raise ValueError
        return words[str(value).lower()]
    if kind is str:
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


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _expected(name: str) -> str:
    if name == "size":
        return "pixels such as 96, or a schedule such as 0:64,0.5:96"
    return {bool: "true or false", int: "a whole number", float: "a number"}.get(_HINTS[name], "a mapping of settings")
