"""Experiments: architectures × recipes × seeds, on one machine or many, and what comes of them."""

from archlab.training.experiments._check import Checks as Checks
from archlab.training.experiments._check import check as check
from archlab.training.experiments._plan import Candidate as Candidate
from archlab.training.experiments._plan import Plan as Plan
from archlab.training.experiments._plan import Resources as Resources
from archlab.training.experiments._plan import Treatment as Treatment
from archlab.training.experiments._plan import TrialSpec as TrialSpec
from archlab.training.experiments._plan import folder_name as folder_name
from archlab.training.experiments._read import read_plan as read_plan
from archlab.training.experiments._results import Group as Group
from archlab.training.experiments._results import Results as Results
from archlab.training.experiments._run import ENGINES as ENGINES
from archlab.training.experiments._run import kept as kept
from archlab.training.experiments._run import run as run
from archlab.training.experiments._trial import Outcome as Outcome
from archlab.training.experiments._trial import input_shape as input_shape
from archlab.training.experiments._trial import train_trial as train_trial
