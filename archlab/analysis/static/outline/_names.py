from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

from archlab.analysis.static._facts import gather
from archlab.analysis.static.outline._spine import Gates
from archlab.graph import Graph


def block_names(graph: Graph, blocks: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], str]:
    """A name for each block: what its layers' names begin with, where that says something; else a number."""
    found = [_common(graph, members) for members in blocks]
    often = Counter(found)
    names: dict[tuple[int, ...], str] = {}
    for number, (members, name) in enumerate(zip(blocks, found, strict=True), 1):
        names[members] = name if name and often[name] == 1 else f"block{number}"
    return names


def _common(graph: Graph, members: tuple[int, ...]) -> str:
    """The words that the names of most of the layers begin with, names that Keras made up itself (conv2d_5) aside."""
    split = [_words(graph.nodes[position].name) for position in members]
    made_up = [_is_made_up(graph, position) for position in members]
    named = [words for words, made in zip(split, made_up, strict=True) if not made]
    if len(named) == 1:
        return "_".join(named[0])
    if not named:
        return ""
    common: list[str] = []
    for words in zip_longest(*named, fillvalue=""):
        word, count = Counter(words).most_common(1)[0]
        if count < 0.7 * len(named) or not word:
            break
        common.append(word)
    return "_".join(common)


def named_runs(graph: Graph, row: Sequence[int], gates: Gates) -> list[tuple[int, int]]:
    """Stretches (start, stop) of a row of nodes whose names begin with the same words, with two kernels or more.

    A gate is named as a whole, by the product that it ends in.
    """
    named = [gates[position][-1] if position in gates else position for position in row]
    words = [None if _is_made_up(graph, position) else _words(graph.nodes[position].name) for position in named]
    kernels = [gather(graph)[position].kernel for position in row]
    runs: list[tuple[int, int]] = []
    start = 0
    while start < len(row):
        best = start
        # The longest beginning first: `block_1` rather than `block`.
        for count in range(len(words[start] or ()) - 1, 0, -1):
            stop = start
            while stop < len(row) and _begins(words[stop] or words[start] or [], words[start] or [], count):
                stop += 1
            while words[stop - 1] is None:
                stop -= 1
            if sum(kernels[start:stop]) > 1:
                best = stop
                break
        if best > start:
            runs.append((start, best))
        start = max(best, start + 1)
    return runs


def _begins(words: Sequence[str], like: Sequence[str], count: int) -> bool:
    """Whether words begin as others do, and are not those of the next of a series: `conv_1_pad` behind `conv_pad`."""
    further, other = words[count : count + 1], like[count : count + 1]
    is_next = any(word.isdigit() for word in further) and not any(word.isdigit() for word in other)
    return words[:count] == like[:count] and not is_next


def _words(name: str) -> list[str]:
    return re.split(r"[/_]", name)


def _is_made_up(graph: Graph, position: int) -> bool:
    """Whether a name is but the layer's class, ours or Keras's, perhaps with a number."""
    node = graph.nodes[position]
    plain = re.sub(r"(_\d+)+$", "", node.name.rpartition("/")[2]).replace("_", "").lower()
    layer = node.op.keras(*gather(graph)[position].inputs)
    return plain in (node.op.title.lower(), layer and layer.name.rpartition(".")[2].lower())
