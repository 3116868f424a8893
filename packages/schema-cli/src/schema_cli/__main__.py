"""``python -m schema_cli`` is the ``schema`` command."""

import sys

from schema_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
