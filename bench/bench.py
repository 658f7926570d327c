"""Measures a running studio over the stub engine; `python bench/bench.py --help` says how."""

import sys

from studio_bench.main import main

if __name__ == "__main__":
    sys.exit(main())
