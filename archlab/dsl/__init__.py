"""The builder language: combinators that put layers together into blocks, stages and pyramids."""

from archlab.algebra import Part as Part
from archlab.algebra import Repeat as Repeat
from archlab.algebra import Sequence as Sequence
from archlab.dsl._combinators import Block as Block
from archlab.dsl._combinators import Parallel as Parallel
from archlab.dsl._combinators import Pyramid as Pyramid
from archlab.dsl._combinators import Residual as Residual
from archlab.dsl._combinators import Stage as Stage
