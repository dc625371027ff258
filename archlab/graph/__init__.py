"""The intermediate representation: an immutable graph of nodes in topological order, and the algebra of parts.

`Part`, `Sequence` and `Repeat` are the tree that a user composes with `>>` and `*`; a `Builder` turns the tree into a
`Graph` of `Node`s, each with its shape and its `Scope`. An `Axis` says which inputs an output reads along one axis.
Nothing here knows an operation: `archlab.ops` are the leaves of the algebra, `archlab.dsl` its branches.
"""

from archlab.graph._algebra import Part as Part
from archlab.graph._algebra import Repeat as Repeat
from archlab.graph._algebra import Sequence as Sequence
from archlab.graph._axis import Axis as Axis
from archlab.graph._builder import MOST_NODES as MOST_NODES
from archlab.graph._builder import Builder as Builder
from archlab.graph._graph import Graph as Graph
from archlab.graph._graph import Node as Node
from archlab.graph._graph import Operation as Operation
from archlab.graph._graph import Scope as Scope
from archlab.graph._shape import Shape as Shape
from archlab.graph._shape import elements as elements
from archlab.graph._shape import format_shape as format_shape
from archlab.graph._shape import is_known as is_known
from archlab.graph._shape import positions as positions
from archlab.graph._shape import spatial as spatial
