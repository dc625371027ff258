"""What finite widths do: how far one draw of the kernels moves a whole signal.

After B. Hanin & M. Nica, 'Products of Many Large Random Matrices and Gradients in Deep Neural Networks', 2020: the
logarithm of the square is about normal, its variance grows with the sum of 1/width over the layers, and its median
falls behind its mean.
"""

from __future__ import annotations

from collections.abc import Sequence

from archlab.signals._lags import Table, overall


def moved_together(same: Table, cross: Table, size: tuple[int, ...], batch: int) -> float:
    """The mean squared correlation of two places: how far one draw of weights moves all of them together."""
    if same[0] <= 0:
        return 0.0
    squares = [tuple([(value / same[0]) ** 2 for value in table]) for table in (same, cross)]
    return min(1.0, max(0.0, overall(squares[0], squares[1], size, batch)))


def added_scatter(parts: Sequence[tuple[float, float]]) -> float:
    """The scatter of a sum, from the square and the scatter of each part: what they have in common, and the rest.

    Parts of one network have come through the same kernels as far back as the least scattered of them has.
    """
    total = sum(square for square, _ in parts)
    common = min(scatter for _, scatter in parts)
    if total <= 0:
        return common
    return common + sum((square / total) ** 2 * (scatter - common) for square, scatter in parts)
