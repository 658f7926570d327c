"""How many pictures there are, and how many bytes they have, kept by whoever stores and deletes them.

Frozen: later versions add files beside this one.
"""

from typing import Any

STATEMENTS = (
    "INSERT INTO counter (name, value) SELECT 'image', COUNT(*) FROM image",
    "INSERT INTO counter (name, value) SELECT 'image_bytes', COALESCE(SUM(size), 0) FROM image",
)


def up(_migrator: Any, db: Any) -> None:
    """Count what is there."""
    for statement in STATEMENTS:
        db.execute_sql(statement)
