"""``python -m swapctl`` is ``slb-swap``."""

import sys

from swapctl.cli import main

if __name__ == "__main__":
    sys.exit(main())
