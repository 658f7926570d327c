"""`python app.py webhooks secret [KEY]`: what receivers check the signatures of webhooks with."""

import argparse
import sys
from collections.abc import Sequence

from studio.assembly import open_keys
from studio.errors import ConfigurationError
from studio.settings import Settings, gather
from studio.webhook import secret_of
from studio.webhook_root import FILE, read_root

_CONFIGURATION = 2
# Whatever else the environment holds is none of this command's.
_SETTINGS = ("outputs", "database")


def webhooks_command(argv: Sequence[str]) -> int:
    """Show a secret on standard output; the exit code."""
    parser = argparse.ArgumentParser(prog="app.py webhooks", description="Who is told of the end of jobs.")
    deeds = parser.add_subparsers(dest="deed", required=True)
    secret = deeds.add_parser("secret", help="show what webhooks are signed with")
    secret.add_argument("key", nargs="?", help="of this key's jobs; left out: of jobs that belong to no key")
    for name in _SETTINGS:
        secret.add_argument(f"--{name}", help="as the studio's own")
    wanted = parser.parse_args(list(argv))
    try:
        flags = {name: getattr(wanted, name) for name in _SETTINGS if getattr(wanted, name) is not None}
        values = gather([]) | flags
        settings = Settings(**{name: values[name] for name in _SETTINGS if name in values})
        root = read_root(settings.outputs)
        if root is None:
            return _refuse(f"There is no {FILE} in {settings.outputs}: the studio's first start draws it.")
        if wanted.key is not None:
            with open_keys(settings) as keys:
                if wanted.key not in {key.name for key in keys.valid()}:
                    return _refuse(f"No valid key is called {wanted.key[:64]!r}.")
    except ConfigurationError as error:
        print(*error.faults, sep="\n", file=sys.stderr)
        return _CONFIGURATION
    print(secret_of(root, wanted.key))
    return 0


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
