"""The head has another number of units than the task has classes.

**Why.** A class without a unit cannot be predicted; a unit without a class takes probability and parameters.

**Instead.** One unit for each class; for two classes one sigmoid, or two units and a softmax. Give the task with
`--task classes:10` or `--data DIR`.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import Dense


def check(context: Context) -> Iterable[Found]:
    """Heads whose units and the task's classes differ."""
    task = context.task
    if task is None or task.count is None or len(context.heads) != 1:
        return
    head = context.heads[0]
    two = task.kind != "labels" and task.count == 2
    if head.units is None or head.units == task.count or (two and head.units == 1):
        return
    name, op = head.node.name, head.node.op
    direct = isinstance(op, Dense)
    yield Found(
        f"{name}: {head.units} unit{'' if head.units == 1 else 's'} for {task.words}.",
        (name,),
        f"use {task.count} units" + (", or one with a sigmoid" if two else ""),
        head.units,
        edits=Edits({name: op.changed(units=task.count)}) if direct and task.count > 2 and head.units > 1 else None,
    )


RULE = Rule("H109", "wrong-head-units", "error", check, __doc__, "one unit for each class", fixes=True)
