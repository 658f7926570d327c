"""Addresses that are told of the end of jobs, and the telling.

Frozen: later versions add files beside this one.
"""

from typing import Any

STATEMENTS = (
    "ALTER TABLE job ADD COLUMN webhook TEXT",
    "ALTER TABLE api_key ADD COLUMN webhook TEXT",
    """
    CREATE TABLE delivery (
        id TEXT PRIMARY KEY,
        job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        source TEXT NOT NULL,
        event TEXT NOT NULL,
        owner TEXT,
        address TEXT NOT NULL,
        origin TEXT NOT NULL,
        state TEXT NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        created_at DOUBLE PRECISION NOT NULL,
        due_at DOUBLE PRECISION,
        ended_at DOUBLE PRECISION
    )
    """,
    "CREATE INDEX delivery_job ON delivery (job_id)",
    "CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX delivery_ended ON delivery (ended_at) WHERE ended_at IS NOT NULL",
)


def up(_migrator: Any, db: Any) -> None:
    """Nobody was told until now."""
    for statement in STATEMENTS:
        db.execute_sql(statement)
