"""Experiments: architectures × recipes × seeds, trained on one machine or a cluster, and their results."""

from archlab.experiments._check import Checks as Checks
from archlab.experiments._check import check as check
from archlab.experiments._plan import Candidate as Candidate
from archlab.experiments._plan import Plan as Plan
from archlab.experiments._plan import RecipeVariant as RecipeVariant
from archlab.experiments._plan import Resources as Resources
from archlab.experiments._plan import TrialSpec as TrialSpec
from archlab.experiments._plan import folder_name as folder_name
from archlab.experiments._read import read_plan as read_plan
from archlab.experiments._results import Group as Group
from archlab.experiments._results import Results as Results
from archlab.experiments._run import ENGINES as ENGINES
from archlab.experiments._run import finished_trials as finished_trials
from archlab.experiments._run import run as run
from archlab.experiments._trial import Outcome as Outcome
from archlab.experiments._trial import input_shape as input_shape
from archlab.experiments._trial import train_trial as train_trial
