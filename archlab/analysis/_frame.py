"""Results as tables of pandas, which is no dependency: it is looked up when a table is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archlab.errors import MissingPartError

if TYPE_CHECKING:
    import pandas


def frame(records: Sequence[Mapping[str, object]], index: str = "name") -> pandas.DataFrame:
    """Records as a pandas DataFrame; pandas is looked up when this is called.

    Raises:
        MissingPartError: it is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise MissingPartError("to_pandas needs pandas, which is not installed: pip install pandas") from None
    table = pandas.DataFrame.from_records(list(records))
    return table.set_index(index) if index in table else table
