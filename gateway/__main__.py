"""`gateway` and `python -m gateway`: the command line is `gateway.commands`."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Modules are made to stay: looking for garbage among them was a fifth of the time they take to import."""
    gc.disable()
    from gateway.commands import main as command

    gc.freeze()
    gc.enable()
    return command()


if __name__ == "__main__":
    sys.exit(main())
