from __future__ import annotations

from archlab.graph import Graph


def block_members(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The nodes of each block by its name, in order; the last one is where it ends."""
    found: dict[str, list[int]] = {}
    for position, node in enumerate(graph):
        scope = node.scope and node.scope.outermost("block")
        if scope and not node.op.detached:
            found.setdefault(scope.path, []).append(position)
    return {path: tuple(members) for path, members in found.items()}


def block_ends(graph: Graph) -> list[int]:
    """Where each block ends."""
    return [members[-1] for members in block_members(graph).values()]
