"""What made a generation besides its recipe: JSON of programs and files; of older ones nobody knows.

Frozen: later versions add files beside this one.
"""

from typing import Any

STATEMENTS = ("ALTER TABLE generation ADD COLUMN made_with TEXT",)


def up(_migrator: Any, db: Any) -> None:
    """One column more."""
    for statement in STATEMENTS:
        db.execute_sql(statement)
