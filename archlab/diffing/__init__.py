"""What differs between two architectures: their layers matched, and what each change does to the numbers."""

from archlab.diffing._changes import Change as Change
from archlab.diffing._diff import GraphDiff as GraphDiff
from archlab.diffing._diff import diff as diff
from archlab.diffing._fold import Fold as Fold
from archlab.diffing._links import Link as Link
from archlab.diffing._row import LayerFacts as LayerFacts
from archlab.diffing._row import Row as Row
