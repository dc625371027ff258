"""Synthetic images of cats and dogs. Ears and muzzle differ between the classes; a few ears are ambiguous."""

from __future__ import annotations

import numpy as np

from archlab.data._canvas import Array, Canvas, Colour, Point, PortableRandom

# In alphabetical order, as class folders are: the index is the label.
ANIMALS = ("cats", "dogs")

_FUR = (
    (222, 141, 66), (196, 196, 200), (120, 118, 122), (58, 54, 56), (236, 228, 214),
    (140, 94, 60), (226, 190, 140), (170, 120, 84), (92, 72, 60),
)  # fmt: skip
_EYES = ((98, 168, 84), (214, 170, 60), (96, 150, 196), (110, 74, 46), (74, 50, 36))
_PINK = (226, 150, 148)
_DARK = (38, 32, 34)


def draw(animal: str, size: int, rng: PortableRandom) -> Array:
    """One cat or dog of random colour, pose and position: (size, size, 3), uint8."""
    canvas = Canvas(_background(size, rng))
    fur = _near(rng, rng.choice(_FUR), 18)
    # Sampled in the same way for both classes, so that only the shapes differ.
    turn, scale = rng.turn(0.25), rng.uniform(0.42, 0.84)
    slack = 1.0 - scale * 0.72
    at = (rng.uniform(-slack, slack), rng.uniform(-slack, slack) + 0.06)
    canvas.pose(turn, scale, at)
    _body(canvas, fur, rng)
    (_cat if animal == "cats" else _dog)(canvas, fur, rng)
    _foreground(canvas, rng)
    return _exposed(canvas.pixels, rng)


def _cat(canvas: Canvas, fur: Colour, rng: PortableRandom) -> None:
    inner = _mixed(fur, _PINK, 0.6)
    wide, high = rng.uniform(0.56, 0.68), rng.uniform(0.48, 0.58)
    spread, tip = rng.uniform(0.34, 0.5), rng.uniform(0.62, 0.95)
    folded = rng.chance(0.1)
    for side in (-1, 1):
        lean = rng.uniform(-0.08, 0.1)
        if folded:
            _flap(canvas, (side * 0.46, -0.36), (0.17, 0.13), _scaled(fur, 0.86), (0.8, side * 0.6))
            continue
        _ear(canvas, side, spread, tip, lean, fur, 1.0)
        _ear(canvas, side, spread, tip, lean, inner, 0.6)
    canvas.ellipse((0, 0), (wide, high), fur, shade=0.16)
    _markings(canvas, fur, rng, high)
    _eyes(canvas, rng, rng.uniform(0.22, 0.3), rng.uniform(0.1, 0.14), slit=rng.uniform(0.3, 0.95))
    pale = _mixed(fur, (250, 246, 240), 0.55)
    for side in (-1, 1):
        canvas.ellipse((side * 0.1, 0.24), (0.15, rng.uniform(0.1, 0.19)), pale)
    nose = _near(rng, rng.choice((_PINK, _PINK, _DARK)), 12)
    half = rng.uniform(0.05, 0.08)
    canvas.polygon(((-half, 0.12), (half, 0.12), (0, 0.12 + 1.1 * half)), nose, round=0.015)
    _mouth(canvas, 0.12 + half, 0.1)
    if rng.chance(0.6):
        _whiskers(canvas, rng)


def _dog(canvas: Canvas, fur: Colour, rng: PortableRandom) -> None:
    ears = _scaled(fur, rng.uniform(0.6, 1.0))
    pointed = rng.chance(0.15)
    wide, high = rng.uniform(0.48, 0.6), rng.uniform(0.5, 0.62)
    long = rng.uniform(0.26, 0.46)
    for side in (-1, 1):
        if pointed:
            _ear(canvas, side, 0.36, rng.uniform(0.7, 0.95), 0.04, ears, 1.0)
    canvas.ellipse((0, 0), (wide, high), fur, shade=0.16)
    for side in (-1, 1):
        if not pointed:
            swing = rng.uniform(0.02, 0.34)
            turn = _unit(1.0, -side * swing)
            _flap(canvas, (side * (wide + 0.02), -0.18 + long * 0.6), (rng.uniform(0.15, 0.22), long), ears, turn)
    _markings(canvas, fur, rng, high)
    _eyes(canvas, rng, rng.uniform(0.2, 0.28), rng.uniform(0.075, 0.11), slit=rng.uniform(0.6, 1.0))
    pale = _mixed(fur, (250, 246, 240), rng.uniform(0.1, 0.6))
    low = rng.uniform(0.28, 0.4)
    if rng.chance(0.35):
        canvas.ellipse((rng.uniform(-0.04, 0.04), low + 0.22), (0.09, rng.uniform(0.14, 0.22)), (216, 96, 108))
    canvas.ellipse((0, low), (rng.uniform(0.19, 0.3), rng.uniform(0.19, 0.3)), pale, shade=0.12)
    half = rng.uniform(0.08, 0.12)
    canvas.ellipse((0, low - 0.12), (half, half * 0.72), _near(rng, _DARK, 14))
    _mouth(canvas, low - 0.06, 0.13)
    if rng.chance(0.25):
        _whiskers(canvas, rng)


def _ear(canvas: Canvas, side: int, spread: float, tip: float, lean: float, colour: Colour, part: float) -> None:
    middle = (side * spread, -0.34)
    top = (side * (spread + lean + 0.08), -tip)
    left, right = (middle[0] - 0.2 * part, middle[1] + 0.05), (middle[0] + 0.2 * part, middle[1] + 0.05)
    peak = (middle[0] + (top[0] - middle[0]) * part, middle[1] + (top[1] - middle[1]) * part)
    canvas.polygon((peak, right, left), colour, round=0.03)


def _flap(canvas: Canvas, at: Point, radii: Point, colour: Colour, turn: Point) -> None:
    canvas.ellipse(at, radii, colour, turn, shade=0.1)


def _eyes(canvas: Canvas, rng: PortableRandom, apart: float, large: float, slit: float) -> None:
    iris = _near(rng, rng.choice(_EYES), 14)
    lid = rng.uniform(0.7, 1.0)
    for side in (-1, 1):
        at = (side * apart, -0.1)
        canvas.ellipse(at, (large, large * lid), iris)
        canvas.ellipse(at, (large * 0.62 * slit, large * 0.8 * lid), _DARK)
        canvas.ellipse((at[0] - large * 0.25, at[1] - large * 0.3), (large * 0.2, large * 0.2), (250, 250, 250))


def _mouth(canvas: Canvas, top: float, wide: float) -> None:
    canvas.line((0, top), (0, top + 0.1), 0.022, _DARK)
    for side in (-1, 1):
        canvas.line((0, top + 0.1), (side * wide, top + 0.07), 0.022, _DARK)


def _whiskers(canvas: Canvas, rng: PortableRandom) -> None:
    colour = rng.choice(((246, 244, 240), (60, 56, 56)))
    for side in (-1, 1):
        for number in (-1, 0, 1):
            start = (side * 0.16, 0.23 + 0.03 * number)
            end = (side * rng.uniform(0.6, 0.8), 0.2 + number * rng.uniform(0.08, 0.14))
            canvas.line(start, end, 0.016, colour, alpha=0.85)


def _markings(canvas: Canvas, fur: Colour, rng: PortableRandom, high: float) -> None:
    """Stripes on the forehead, a patch over an eye, a blaze, or nothing."""
    kind = rng.choice(("stripes", "patch", "blaze", "none"))
    other = _scaled(fur, 0.6) if sum(fur) > 300 else _mixed(fur, (240, 236, 230), 0.5)
    if kind == "stripes":
        for number in (-1, 0, 1):
            canvas.line((number * 0.13, -high + 0.06), (number * 0.1, -high + 0.24), 0.05, other, alpha=0.9)
    elif kind == "patch":
        canvas.ellipse((rng.choice((-0.25, 0.25)), -0.12), (0.2, 0.2), other)
    elif kind == "blaze":
        canvas.ellipse((0, -0.16), (0.09, 0.26), _mixed(fur, (250, 246, 240), 0.7))


def _body(canvas: Canvas, fur: Colour, rng: PortableRandom) -> None:
    canvas.ellipse(
        (rng.uniform(-0.15, 0.15), rng.uniform(0.85, 1.0)), (rng.uniform(0.5, 0.75), 0.62), _scaled(fur, 0.88),
        shade=0.14,
    )  # fmt: skip


def _background(size: int, rng: PortableRandom) -> Array:
    """A colour gradient, noise at two scales, and up to four distractors."""
    a, b = (_mixed(_near(rng, (132, 132, 132), 92), (132, 132, 132), 0.25) for _ in range(2))
    t = (np.arange(size, dtype=np.float32) / size)[:, None, None]
    a, b = np.array(a, dtype=np.float32), np.array(b, dtype=np.float32)
    picture = np.repeat(a + (b - a) * t, size, axis=1)
    picture = picture + rng.clouds(size, 4, 3) * rng.uniform(5, 40)
    picture = picture + rng.clouds(size, rng.choice((8, 12, 16)), 1) * rng.uniform(0, 45)
    canvas = Canvas(picture)
    for _ in range(rng.choice((0, 1, 2, 3, 4))):
        _distractor(canvas, rng, rng.uniform(0.1, 0.4))
    return canvas.pixels


def _foreground(canvas: Canvas, rng: PortableRandom) -> None:
    """Up to two distractors in front of the animal."""
    canvas.pose((1.0, 0.0), 1.0, (0.0, 0.0))
    for _ in range(rng.choice((0, 1, 1, 2))):
        _distractor(canvas, rng, rng.uniform(0.08, 0.34))


def _distractor(canvas: Canvas, rng: PortableRandom, large: float) -> None:
    """A distractor: a ball, a stick or a triangle."""
    colour = (rng.uniform(20, 240), rng.uniform(20, 240), rng.uniform(20, 240))
    x, y = rng.uniform(-1, 1), rng.uniform(-1, 1)
    cosine, sine = rng.turn(1.0)
    kind = rng.choice(("ball", "stick", "triangle"))
    if kind == "ball":
        canvas.ellipse((x, y), (large, large * rng.uniform(0.5, 1)), colour, (cosine, sine), shade=0.2)
    elif kind == "stick":
        dx, dy = cosine * large * 2, sine * large * 2
        canvas.line((x - dx, y - dy), (x + dx, y + dy), large * 0.3, colour)
    else:
        corners = ((0.0, -1.2), (0.8, 0.6), (-0.8, 0.6))
        turned = [(x + large * (cosine * u - sine * v), y + large * (sine * u + cosine * v)) for u, v in corners]
        canvas.polygon(turned, colour, round=0.02)


def _exposed(picture: Array, rng: PortableRandom) -> Array:
    """Exposure, contrast and grain."""
    gain, offset = rng.uniform(0.75, 1.15), rng.uniform(-22, 22)
    picture = (picture - 127.5) * gain + (127.5 + offset)
    picture = picture + rng.noise(*picture.shape) * rng.uniform(2, 26)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def _near(rng: PortableRandom, colour: Colour, most: float) -> Colour:
    red, green, blue = colour
    return red + rng.uniform(-most, most), green + rng.uniform(-most, most), blue + rng.uniform(-most, most)


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def _scaled(colour: Colour, factor: float) -> Colour:
    red, green, blue = colour
    return red * factor, green * factor, blue * factor


def _unit(x: float, y: float) -> Point:
    length = float(np.sqrt(x * x + y * y))
    return x / length, y / length
