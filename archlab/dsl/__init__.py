"""The builder language: combinators that put layers together into blocks, stages and pyramids."""

from archlab.dsl._cell import Cell as Cell
from archlab.dsl._combinators import Block as Block
from archlab.dsl._combinators import Parallel as Parallel
from archlab.dsl._combinators import Pyramid as Pyramid
from archlab.dsl._combinators import Residual as Residual
from archlab.dsl._combinators import Stage as Stage
from archlab.graph import Part as Part
from archlab.graph import Repeat as Repeat
from archlab.graph import Sequence as Sequence
