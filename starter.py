"""The command line of Relance: run `python starter.py --help`.

In: the composition root alone. Not in: any command (terminal/).
"""

import os
import sys

from terminal.application import assemble


def main() -> int:
    """Runs one command and returns its exit code."""
    try:
        assemble()()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The Temporal client's runtime may abort a short process at interpreter shutdown (sdk-python 300).
    os._exit(code)
