"""Whether a layer is what it says: the checks that every layer of archlab passes, for layers of one's own."""

from archlab.testing._check_op import CHECKS as CHECKS
from archlab.testing._check_op import check_op as check_op
from archlab.testing._check_op import examine as examine
from archlab.testing._check_rule import check_rule as check_rule
from archlab.testing._outcomes import Outcome as Outcome
from archlab.testing._outcomes import Outcomes as Outcomes
