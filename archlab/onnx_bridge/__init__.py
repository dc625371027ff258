"""The door to ONNX, and the only one: models are read, never run, and their weights stay where they are."""

from archlab.errors import MissingPartError

try:
    import onnx as _onnx
except ImportError as error:
    raise MissingPartError("ONNX is not installed: pip install 'archlab[onnx]'") from error

from archlab.onnx_bridge._file import Model as Model
from archlab.onnx_bridge._file import read_file as read_file
from archlab.onnx_bridge._file import read_proto as read_proto
from archlab.onnx_bridge._from_onnx import from_onnx as from_onnx

_ = _onnx
