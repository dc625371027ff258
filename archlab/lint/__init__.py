"""What is worth a second look in an architecture: rules, findings, the change that mends them, and budgets."""

from __future__ import annotations

import sys
from types import ModuleType

from archlab.lint._config import Config as Config
from archlab.lint._config import find_config as find_config
from archlab.lint._context import Broken as Broken
from archlab.lint._context import Context as Context
from archlab.lint._context import Head as Head
from archlab.lint._finding import SEVERITIES as SEVERITIES
from archlab.lint._finding import Finding as Finding
from archlab.lint._finding import Findings as Findings
from archlab.lint._finding import Severity as Severity
from archlab.lint._finding import at_least as at_least
from archlab.lint._finding import read_severity as read_severity
from archlab.lint._fix import Fixed as Fixed
from archlab.lint._fix import fix as fix
from archlab.lint._fix import fixed as fixed
from archlab.lint._lint import LOSSES as LOSSES
from archlab.lint._lint import Choice as Choice
from archlab.lint._lint import compile_options as compile_options
from archlab.lint._lint import context_and_tree as context_and_tree
from archlab.lint._lint import context_of as context_of
from archlab.lint._lint import context_of_result as context_of_result
from archlab.lint._lint import findings_of as findings_of
from archlab.lint._lint import lint as lint
from archlab.lint._lint import named_contexts_apart as named_contexts_apart
from archlab.lint._mend import Edits as Edits
from archlab.lint._mend import mended_graph as mended_graph
from archlab.lint._mend import mended_tree as mended_tree
from archlab.lint._places import Place as Place
from archlab.lint._places import place_of as place_of
from archlab.lint._registry import GROUP as GROUP
from archlab.lint._registry import all_rules as all_rules
from archlab.lint._registry import own_rules as own_rules
from archlab.lint._registry import with_files as with_files
from archlab.lint._results import findings as findings
from archlab.lint._results import structure_findings as structure_findings
from archlab.lint._rule import GROUPS as GROUPS
from archlab.lint._rule import Found as Found
from archlab.lint._rule import Rule as Rule
from archlab.lint._rule import Rules as Rules
from archlab.lint._task import Task as Task
from archlab.lint._task import read_task as read_task
from archlab.lint._verdict import odd_layers as odd_layers
from archlab.lint._verdict import verdict_sentence as verdict_sentence


class _Callable(ModuleType):
    """`archlab.lint` is the function and the package: importing the package binds the name to the module."""

    def __call__(self, *args, **kwargs) -> Findings:
        return lint(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
