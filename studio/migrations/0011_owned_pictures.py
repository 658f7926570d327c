"""Whose each picture and batch is, and who brought which input: for lists of what is somebody's own.

Frozen: later versions add files beside this one.
"""

from typing import Any

STATEMENTS = (
    "ALTER TABLE image ADD COLUMN owner TEXT",
    """
    UPDATE image SET owner = (SELECT owner FROM generation WHERE generation.id = image.generation_id)
    WHERE generation_id IN (SELECT id FROM generation WHERE owner IS NOT NULL)
    """,
    "CREATE INDEX image_owner ON image (owner, seq) WHERE owner IS NOT NULL",
    "CREATE INDEX generation_owner ON generation (owner, seq) WHERE owner IS NOT NULL",
    "CREATE INDEX job_owner_seq ON job (owner, seq) WHERE owner IS NOT NULL",
    "ALTER TABLE batch ADD COLUMN owner TEXT",
    # Whoever made its first job made it; later ones may be somebody else's, who tried a cell again.
    """
    UPDATE batch SET owner = (
        SELECT owner FROM job WHERE job.batch_id = batch.id ORDER BY job.seq LIMIT 1
    )
    """,
    "CREATE INDEX batch_owner ON batch (owner, seq) WHERE owner IS NOT NULL",
    """
    CREATE TABLE input_owner (
        owner TEXT NOT NULL,
        input_id TEXT NOT NULL,
        PRIMARY KEY (owner, input_id)
    )
    """,
)


def up(_migrator: Any, db: Any) -> None:
    """What is there already gets the owners of its jobs; who brought an input is known from now on."""
    for statement in STATEMENTS:
        db.execute_sql(statement)
