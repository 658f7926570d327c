"""Keys by which people use the studio, and whose each job is.

Frozen: later versions add files beside this one.
"""

from typing import Any

STATEMENTS = (
    """
    CREATE TABLE api_key (
        name TEXT PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        scope TEXT NOT NULL,
        per_minute INTEGER,
        most_pending INTEGER,
        created_at DOUBLE PRECISION NOT NULL,
        revoked_at DOUBLE PRECISION
    )
    """,
    "ALTER TABLE job ADD COLUMN owner TEXT",
    "ALTER TABLE generation ADD COLUMN owner TEXT",
    # How many of somebody's jobs wait is asked each time they submit one.
    "CREATE INDEX job_owner ON job (owner, status) WHERE owner IS NOT NULL",
)


def up(_migrator: Any, db: Any) -> None:
    """Until now there was one key, and what it made belongs to nobody."""
    for statement in STATEMENTS:
        db.execute_sql(statement)
