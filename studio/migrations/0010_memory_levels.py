"""How thrifty a model had to be for pictures of a size, and what each job's person should know of how it ran.

Frozen: later versions add files beside this one.
"""

from typing import Any

STATEMENTS = (
    """
    CREATE TABLE memory_level (
        model TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        pixels BIGINT NOT NULL,
        untiled BOOLEAN NOT NULL,
        level TEXT NOT NULL,
        updated_at DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (model, fingerprint, pixels, untiled)
    )
    """,
    "ALTER TABLE job ADD COLUMN note TEXT",
)


def up(_migrator: Any, db: Any) -> None:
    """Nothing is known of what ran so far."""
    for statement in STATEMENTS:
        db.execute_sql(statement)
