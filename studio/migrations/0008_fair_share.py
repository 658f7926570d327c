"""Whether anybody's named jobs wait is asked at every submission.

Frozen: later versions add files beside this one.
"""

from typing import Any

STATEMENTS = ("CREATE INDEX job_status_owner ON job (status, owner) WHERE owner IS NOT NULL",)


def up(_migrator: Any, db: Any) -> None:
    """One index more."""
    for statement in STATEMENTS:
        db.execute_sql(statement)
