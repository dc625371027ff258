"""Anti-aliased rasterization with identical bytes on every machine.

It uses only +, −, ×, ÷ and square roots, element by element, whose rounding IEEE 754 defines, and the raw bits of
PCG64, whose stream NumPy guarantees. Sines, exponentials, sums over an axis and NumPy's distributions may differ in the
last digit between machines or versions, and would change the fingerprint.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

import numpy as np

Array: TypeAlias = np.ndarray
Colour: TypeAlias = tuple[float, float, float]
Point: TypeAlias = tuple[float, float]
T = TypeVar("T")


class PortableRandom:
    """A random number generator seeded by integers, with the same stream on every machine."""

    def __init__(self, *key: int):
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def uniform(self, low: float, high: float) -> float:
        """A sample of the uniform distribution."""
        return low + (high - low) * (int(self._bits.random_raw()) >> 11) * 2.0**-53

    def chance(self, probability: float) -> bool:
        """A sample of the Bernoulli distribution."""
        return self.uniform(0, 1) < probability

    def choice(self, choices: Sequence[T]) -> T:
        """One of the choices, uniformly."""
        return choices[int(self.uniform(0, len(choices)))]

    def turn(self, most: float) -> Point:
        """Cosine and sine of a random angle; the tangent of half of it is at most `most`."""
        t = self.uniform(-most, most)
        return (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)

    def noise(self, *shape: int) -> Array:
        """Uniform noise between −1 and 1, in 256 levels."""
        count = 1
        for n in shape:
            count *= n
        words = self._bits.random_raw((count + 7) // 8).astype("<u8")
        return (words.view(np.uint8)[:count].reshape(shape).astype(np.float32) - 127.5) / 127.5

    def clouds(self, size: int, cells: int, channels: int) -> Array:
        """Smooth noise of shape (size, size, channels) between −1 and 1: `cells` × `cells` values, interpolated."""
        grid = self.noise(cells + 1, cells + 1, channels)
        at = (np.arange(size, dtype=np.float32) + 0.5) * (cells / size)
        low = at.astype(np.int64)
        t = at - low
        rows = grid[low] + (grid[low + 1] - grid[low]) * t[:, None, None]
        return rows[:, low] + (rows[:, low + 1] - rows[:, low]) * t[None, :, None]


class Canvas:
    """A square image and the pose (rotation, scale, position) of what is drawn next.

    At scale 1 and position (0, 0), x runs from −1 (left edge) to 1 (right edge), y from −1 (top) to 1 (bottom).
    """

    def __init__(self, background: Array):
        self.pixels = background
        self.size = len(background)
        self.pose((1.0, 0.0), 1.0, (0.0, 0.0))

    def pose(self, turn: Point, scale: float, at: Point) -> None:
        """Set rotation, scale and position of everything drawn from now on."""
        cosine, sine = turn
        self._turn, self._scale, self._at = turn, scale, at
        axis = (np.arange(self.size, dtype=np.float32) + 0.5) * (2.0 / self.size) - 1.0
        x, y = (axis[None, :] - at[0]) / scale, (axis[:, None] - at[1]) / scale
        self._x, self._y = x * cosine + y * sine, y * cosine - x * sine
        self._pixel = 2.0 / self.size / scale

    def ellipse(self, at: Point, radii: Point, colour: Colour, turn: Point = (1.0, 0.0), shade: float = 0.0) -> None:
        """A rotated ellipse."""
        (cosine, sine), (a, b) = turn, radii

        def distance(x: Array, y: Array) -> Array:
            u, v = x * cosine + y * sine, y * cosine - x * sine
            u, v = u / a, v / b
            level = np.sqrt(u * u + v * v)
            u, v = u / a, v / b
            # The level over the length of its gradient: exact at the edge, where it is needed.
            return (level - 1) * level / (np.sqrt(u * u + v * v) + 1e-6)

        self._fill(distance, at, max(radii), colour, shade)

    def polygon(self, corners: Sequence[Point], colour: Colour, round: float = 0.0, shade: float = 0.0) -> None:
        """A convex polygon with rounded corners, which are given clockwise."""
        centre = (sum(x for x, _ in corners) / len(corners), sum(y for _, y in corners) / len(corners))
        moved = [(x - centre[0], y - centre[1]) for x, y in corners]
        edges: list[tuple[float, float, float]] = []
        for (ax, ay), (bx, by) in zip(moved, [*moved[1:], moved[0]], strict=True):
            length = float(np.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay)))
            nx, ny = (by - ay) / length, (ax - bx) / length
            edges.append((nx, ny, nx * ax + ny * ay))

        def distance(x: Array, y: Array) -> Array:
            found = x * edges[0][0] + y * edges[0][1] - edges[0][2]
            for nx, ny, offset in edges[1:]:
                found = np.maximum(found, x * nx + y * ny - offset)
            return found - round

        reach = max(float(np.sqrt(x * x + y * y)) for x, y in moved)
        self._fill(distance, centre, reach + round, colour, shade)

    def line(self, start: Point, end: Point, width: float, colour: Colour, alpha: float = 1.0) -> None:
        """A line with round caps."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        square = dx * dx + dy * dy

        def distance(x: Array, y: Array) -> Array:
            along = np.clip((x * dx + y * dy) / square + 0.5, 0, 1) - 0.5
            u, v = x - along * dx, y - along * dy
            return np.sqrt(u * u + v * v) - width / 2

        centre = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        self._fill(distance, centre, float(np.sqrt(square)) / 2 + width, colour, 0.0, alpha)

    def _fill(
        self,
        distance: Callable[[Array, Array], Array],
        at: Point,
        reach: float,
        colour: Colour,
        shade: float,
        alpha: float = 1.0,
    ) -> None:
        rows, columns = self._window(at, reach)
        x, y = self._x[rows, columns] - at[0], self._y[rows, columns] - at[1]
        if not x.size:
            return
        covered = np.clip(0.5 - distance(x, y) / self._pixel, 0, 1) * alpha
        paint = np.array(colour, dtype=np.float32) * (1 - (shade / reach) * (x * 0.3 + y))[..., None]
        part = self.pixels[rows, columns]
        part += covered[..., None] * (paint - part)

    def _window(self, at: Point, reach: float) -> tuple[slice, slice]:
        """The slices of the pixels within reach of a point."""
        cosine, sine = self._turn
        centre = (
            self._at[1] + self._scale * (at[0] * sine + at[1] * cosine),
            self._at[0] + self._scale * (at[0] * cosine - at[1] * sine),
        )
        away = reach * self._scale + 2 * 2.0 / self.size
        low, high = ((tuple((middle + sign * away + 1) / 2 * self.size for middle in centre)) for sign in (-1, 1))
        rows, columns = (
            slice(min(max(int(a), 0), self.size), min(max(int(b) + 1, 0), self.size))
            for a, b in zip(low, high, strict=True)
        )
        return rows, columns
