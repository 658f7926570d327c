"""What the queue needs to be rearranged: each job's place, a pause for all, and what a job was retried from.

Frozen: later versions add files beside this one.
"""

from typing import Any

STATEMENTS = (
    "ALTER TABLE job ADD COLUMN rank DOUBLE PRECISION NOT NULL DEFAULT 0",
    "ALTER TABLE job ADD COLUMN parent_id TEXT",
    # Until now the queue ran in the order of submission.
    "UPDATE job SET rank = seq",
    "CREATE INDEX job_status_rank ON job (status, rank, seq)",
    # A table of one row.
    "CREATE TABLE queue (id INTEGER PRIMARY KEY CHECK (id = 1), paused BOOLEAN NOT NULL DEFAULT FALSE)",
    "INSERT INTO queue (id) VALUES (1)",
)


def up(_migrator: Any, db: Any) -> None:
    """Give every job the place it has."""
    for statement in STATEMENTS:
        db.execute_sql(statement)
