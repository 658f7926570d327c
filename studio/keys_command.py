"""`python app.py keys add|list|webhook|revoke`: who may use the studio, also while it runs."""

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from studio.caller import Scope
from studio.errors import StudioError
from studio.keys import Key, Keys
from studio.webhook import origin_of

Say = Callable[[str], None]


def parse(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """What is wanted, and the flags that are settings of the studio. Errors: SystemExit."""
    parser = argparse.ArgumentParser(prog="app.py keys", description="Who may use the studio, by key.")
    deeds = parser.add_subparsers(dest="deed", required=True)
    add = deeds.add_parser("add", help="make a key and show it, once")
    add.add_argument("name", help="whose it is; jobs bear this name")
    add.add_argument(
        "--scope", choices=[str(scope) for scope in Scope], default=str(Scope.SUBMIT),
        help="read: look; submit: also make jobs; admin: everything (default: %(default)s)",
    )  # fmt: skip
    add.add_argument("--per-minute", type=int, metavar="N", help="at most N requests a minute")
    add.add_argument("--queue", type=int, metavar="N", help="at most N waiting jobs")
    add.add_argument("--webhook", metavar="URL", help="an address that is told of the end of its jobs")
    webhook = deeds.add_parser("webhook", help="have another address told of the end of a key's jobs")
    webhook.add_argument("name")
    webhook.add_argument("url", help="an address, or none")
    deeds.add_parser("list", help="all keys, without the keys themselves")
    deeds.add_parser("revoke", help="have a key open nothing any more").add_argument("name")
    return parser.parse_known_args(list(argv))


def run(wanted: argparse.Namespace, keys: Keys, *, say: Say, complain: Say) -> int:
    """Do it; the exit code. Only the key itself, or the list, goes to `say`."""
    try:
        if wanted.deed == "add":
            secret = keys.add(
                wanted.name, Scope(wanted.scope), per_minute=wanted.per_minute, most_pending=wanted.queue,
                webhook=wanted.webhook,
            )  # fmt: skip
            complain(f"The key of {wanted.name} (scope {wanted.scope}). It is shown this once:")
            say(secret)
        elif wanted.deed == "webhook":
            keys.set_webhook(wanted.name, None if wanted.url == "none" else wanted.url)
            told = "nobody" if wanted.url == "none" else origin_of(wanted.url)
            complain(f"From now on the end of {wanted.name}'s jobs is told to {told}.")
        elif wanted.deed == "revoke":
            keys.revoke(wanted.name)
            complain(f"The key of {wanted.name} opens nothing any more.")
        else:
            for key in keys.all():
                say(_line(key))
    except StudioError as error:
        complain(error.message)
        return 1
    return 0


def _line(key: Key) -> str:
    made = datetime.fromtimestamp(key.created_at, UTC).date().isoformat()
    words = [f"{key.name:24}", f"{key.caller.scope:6}", f"since {made}"]
    if key.caller.per_minute is not None:
        words.append(f"{key.caller.per_minute} a minute")
    if key.caller.most_pending is not None:
        words.append(f"{key.caller.most_pending} waiting")
    if key.webhook is not None:
        words.append(f"tells {origin_of(key.webhook)}")
    if key.revoked_at is not None:
        words.append("revoked")
    return "  ".join(words)
