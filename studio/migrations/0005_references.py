"""Which jobs look at which stored reference pictures, so that these are kept as long as the jobs.

Frozen: later versions add files beside this one.
"""

from typing import Any

STATEMENTS = (
    """
    CREATE TABLE job_reference (
        input_id TEXT NOT NULL,
        job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        PRIMARY KEY (input_id, job_id)
    )
    """,
    "CREATE INDEX job_reference_job ON job_reference (job_id)",
)


def up(_migrator: Any, db: Any) -> None:
    """No job had references until now."""
    for statement in STATEMENTS:
        db.execute_sql(statement)
