"""What the history stores of accounts and roles: chosen columns only, and names as they were at that time."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ROW_NAME = "row_name"  # the column of `changes` for the name of the account or role concerned
WITHOUT_VALUE = "NULL"  # instead of a value that nobody may see: the history only says that it changed


@dataclass(frozen=True)
class Recording:
    """Which columns of a table the history stores, and which account or role a change of its rows concerns.

    `concerns` is the label of the model of that account or role, such as auth.User; `column` holds its number, and
    `name` is SQL for its name. `columns` has SQL for the value of each column, in which {} stands for the column.
    `labels` are what pages call a column if not by the field's own name. `condition` is SQL for which deleted rows are
    recorded. In `name` and `condition`, columns are written in braces.
    """

    concerns: str
    column: str
    name: str
    columns: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    condition: str = ""
