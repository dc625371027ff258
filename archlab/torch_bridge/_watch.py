"""One real pass through a module that has been read, in which the tensor of every node is looked at as it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archlab.errors import SourceError
from archlab.functions import Constant, Standing
from archlab.torch_bridge._from_torch import Reading
from archlab.torch_bridge._record import Followed, Recorder, tensors_in
from archlab.torch_bridge.types import Module, Tensor, Untyped


class Watcher(Recorder):
    """Follows the same calls as when the module was read, on tensors with memory; everything is computed as ever.

    Args:
        module: the module.
        reading: what came of reading it in the same mode.
        tell: called with a node's position and its tensor, right after it was made and before anything changes it.
    """

    def __init__(self, module: Module, reading: Reading, tell: Callable[[int, Tensor], None]) -> None:
        super().__init__(module, lambda parameter: None)
        self._reading = reading
        self._tell = tell
        self._next = 0

    def begin(self, tensor: Tensor) -> None:
        """Follow what comes of the input."""
        self._make(0, tensor)

    def outputs(self, found: Untyped) -> list[Tensor]:
        """The tensors of the graph's outputs in whatever the module gave.

        Raises:
            SourceError: they are others than when it was read.
        """
        ends: dict[int, Tensor] = {}
        for tensor in tensors_in(found):
            standing = self._standing.get(id(tensor))
            if standing is not None:
                ends.setdefault(standing.position, tensor)
        if self._next != len(self._reading.recorder.followed) or len(ends) != len(self._reading.outputs):
            raise SourceError(_OTHERWISE)
        return list(ends.values())

    def _make(self, position: int, tensor: Tensor) -> None:
        self._follow(position, tensor)
        self._tell(position, tensor)

    def _follow(self, position: int, tensor: Tensor) -> None:
        """A tensor is that of a node."""
        self._stand(tensor, Standing(position, ()))

    def _stand_in(self, tensor: Tensor) -> Tensor:
        return tensor

    def _run(
        self, func: Untyped, name: str, args: tuple[Untyped, ...], kwargs: Mapping[str, Untyped], first: Tensor,
        in_place: bool,
    ) -> Untyped:  # fmt: skip
        return func(*args, **kwargs)

    def _of_constants(
        self, func: Untyped, name: str, args: tuple[Untyped, ...], kwargs: Mapping[str, Untyped],
        tensors: list[Tensor], in_place: bool,
    ) -> Untyped:  # fmt: skip
        return func(*args, **kwargs)

    def _note(self, found: Untyped, parameters: tuple[Tensor, ...]) -> Untyped:
        return found

    def _written_down(
        self, name: str, args: tuple[Untyped, ...], kwargs: Mapping[str, Untyped], read: list[Tensor],
        others: tuple[tuple[Tensor, Constant], ...], found: list[Tensor], in_place: bool,
    ) -> None:  # fmt: skip
        followed = self._reading.recorder.followed
        call = followed[self._next] if self._next < len(followed) else Followed("", ())
        if call.name != name or len(call.made) > len(found):
            raise SourceError(_OTHERWISE)
        self._next += 1
        for position, tensor in zip(call.made, found, strict=False):
            self._make(position, tensor)
        last = call.made[-1] if call.made else self._standing[id(read[0])].position
        for tensor in found[len(call.made) :]:
            self._follow(last, tensor)
        if in_place and read[0] is not found[0]:
            self._follow(last, read[0])
        if call.into >= 0 and read[0]._base is not None:
            self._make(call.into, read[0]._base)


_OTHERWISE = (
    "its forward calls other functions when it runs than when it was read: control flow that depends on data, or on "
    "chance, cannot be measured"
)
