"""The process of the ``schema`` command, also as ``python -m schema_cli``."""

import os
import sys

from schema_cli.interrupts import STATUS, ignore_signals, interrupt_on_signals
from schema_cli.streams import open_streams


def run() -> int:
    """Run the command, from the first import to the last word, and return its exit status."""
    open_streams()
    interrupt_on_signals()
    # No Python that this one starts, as for the style gate, imports from the current folder.
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        # Ctrl-C may come while all that is imported.
        from schema_cli.main import main  # noqa: PLC0415

        return main()
    except KeyboardInterrupt:
        return STATUS
    finally:
        ignore_signals()


if __name__ == "__main__":
    sys.exit(run())
