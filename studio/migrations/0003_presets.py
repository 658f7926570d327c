"""Named sets of parameters. Frozen: later versions add files beside this one."""

from typing import Any

TABLE = """
CREATE TABLE preset (
    folded TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    params TEXT NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL
)
"""


def up(_migrator: Any, db: Any) -> None:
    """Add the table."""
    db.execute_sql(TABLE)
