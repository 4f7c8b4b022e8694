"""The garbage collector of a process that serves for long."""

from __future__ import annotations

import gc

#: New objects until the youngest are looked at: what a batch of pushes makes at once should die of itself, unseen.
_YOUNG = 10_000


def settle() -> None:
    """What is there now stays for good and is not looked at again: modules, configuration, routes.

    Without it each full collection walks all of it, which took a tenth of the time that pushes were read in, a tenth of
    a second at a time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
