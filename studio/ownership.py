"""Ownership: a PostgreSQL database belongs to one studio, as an SQLite file does by the lock of its outputs.

Rows name files under outputs/: a second studio would take jobs whose inputs it doesn't have, and list
pictures that it can't open.
"""

from typing import Any

from peewee import PostgresqlDatabase

from studio.errors import AlreadyRunning

# Any fixed number: it names our lock among the advisory locks of a database.
_LOCK = 7_305_331_202
# The server would take two hours to notice that a studio's machine is gone; so it takes about 25 seconds.
_KEEPALIVES = (("tcp_keepalives_idle", 10), ("tcp_keepalives_interval", 5), ("tcp_keepalives_count", 3))


def own_database(url: str) -> PostgresqlDatabase:
    """The connection by which the database is ours until it is closed; its server frees it when we die.

    Errors: AlreadyRunning; peewee's DatabaseError.
    """
    quick: dict[str, Any] = {"connect_timeout": 3, "keepalives_idle": 3, "keepalives_interval": 1}
    database = PostgresqlDatabase(url, prefer_psycopg3=True, thread_safe=False, **quick)
    database.connect()
    try:
        for name, value in _KEEPALIVES:
            database.execute_sql(f"SET {name} = {value}")
        is_ours = database.execute_sql("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()[0]
    except BaseException:
        database.close()
        raise
    if not is_ours:
        database.close()
        raise AlreadyRunning(
            f"Another studio already works with the database {url.rsplit('@', 1)[-1]}; stop it, or give this "
            "one a database of its own. If its machine died, the server notices within half a minute."
        )
    return database
