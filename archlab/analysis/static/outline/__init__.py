"""Stages and blocks: as the architecture names them or, where it names none, found in the graph.

What has been built by parts knows them: they are the scopes of its nodes. A model that has been read from Keras is one
flat list of layers; its blocks are where paths part and meet again (`_spine`), what repeats between them (`_repeats`)
and what the rest of a stage is made of (`_blocks`); its stages are the blocks whose maps are of one size.
"""

from archlab.analysis.static.outline._chains import chained as chained
from archlab.analysis.static.outline._groups import grouped as grouped
from archlab.analysis.static.outline._groups import groups as groups
from archlab.analysis.static.outline._outline import outline as outline
from archlab.analysis.static.outline._section import Section as Section
from archlab.analysis.static.outline._section import Unit as Unit
from archlab.analysis.static.outline._section import positions as positions
