"""Anti-aliased drawing that gives the same bytes on every machine.

Nothing but +, −, ×, ÷ and square roots, which IEEE 754 rounds in one way only, element by element; and the raw numbers
of PCG64, which NumPy promises to keep. Sines, exponentials, sums over an axis and NumPy's distributions may differ in
their last digit from one machine or version to the next, and one digit makes another fingerprint.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

import numpy as np

Array: TypeAlias = np.ndarray
Colour: TypeAlias = tuple[float, float, float]
Point: TypeAlias = tuple[float, float]
T = TypeVar("T")


class Dice:
    """Random numbers from a key of whole numbers."""

    def __init__(self, *key: int):
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def uniform(self, low: float, high: float) -> float:
        """A number between two."""
        return low + (high - low) * (int(self._bits.random_raw()) >> 11) * 2.0**-53

    def chance(self, probability: float) -> bool:
        """Whether something happens."""
        return self.uniform(0, 1) < probability

    def pick(self, choices: Sequence[T]) -> T:
        """One of several."""
        return choices[int(self.uniform(0, len(choices)))]

    def turn(self, most: float) -> Point:
        """Cosine and sine of an angle, whose half has a tangent of at most so much."""
        t = self.uniform(-most, most)
        return (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)

    def noise(self, *shape: int) -> Array:
        """An array of numbers between −1 and 1, in 256 steps."""
        count = 1
        for n in shape:
            count *= n
        words = self._bits.random_raw((count + 7) // 8).astype("<u8")
        return (words.view(np.uint8)[:count].reshape(shape).astype(np.float32) - 127.5) / 127.5

    def clouds(self, size: int, cells: int, channels: int) -> Array:
        """(size, size, channels) between −1 and 1, changing smoothly from one of `cells` cells to the next."""
        grid = self.noise(cells + 1, cells + 1, channels)
        at = (np.arange(size, dtype=np.float32) + 0.5) * (cells / size)
        low = at.astype(np.int64)
        t = at - low
        rows = grid[low] + (grid[low + 1] - grid[low]) * t[:, None, None]
        return rows[:, low] + (rows[:, low + 1] - rows[:, low]) * t[None, :, None]


class Canvas:
    """A square picture, and a pose that everything is drawn in: what is upright for the artist may lean here.

    In the pose x runs from −1 to 1 to the right and y from −1 to 1 downwards, as far as the picture reaches while the
    scale is 1 and nothing is moved.
    """

    def __init__(self, background: Array):
        self.pixels = background
        self.size = len(background)
        self.pose((1.0, 0.0), 1.0, (0.0, 0.0))

    def pose(self, turn: Point, scale: float, at: Point) -> None:
        """Draw what follows turned, scaled and moved."""
        cosine, sine = turn
        self._turn, self._scale, self._at = turn, scale, at
        axis = (np.arange(self.size, dtype=np.float32) + 0.5) * (2.0 / self.size) - 1.0
        x, y = (axis[None, :] - at[0]) / scale, (axis[:, None] - at[1]) / scale
        self._x, self._y = x * cosine + y * sine, y * cosine - x * sine
        self._pixel = 2.0 / self.size / scale

    def ellipse(self, at: Point, radii: Point, colour: Colour, turn: Point = (1.0, 0.0), shade: float = 0.0) -> None:
        """An ellipse, its own axes turned."""
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
        """A convex polygon, its corners given clockwise as one sees them, and rounded by so much."""
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
        """A line with round ends."""
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
        """The pixels within reach of a point: all others stay as they are."""
        cosine, sine = self._turn
        centre = (
            self._at[1] + self._scale * (at[0] * sine + at[1] * cosine),
            self._at[0] + self._scale * (at[0] * cosine - at[1] * sine),
        )
        away = reach * self._scale + 2 * 2.0 / self.size
        low, high = ((tuple((middle + sign * away + 1) / 2 * self.size for middle in centre)) for sign in (-1, 1))
        return tuple(
            slice(min(max(int(a), 0), self.size), min(max(int(b) + 1, 0), self.size))
            for a, b in zip(low, high, strict=True)
        )  # pyright: ignore[reportReturnType]
