"""Starts the stub engine; takes sd-server's command line (see stub/__init__.py)."""

import sys

from stub.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
