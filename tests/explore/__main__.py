"""``python -m tests.explore``."""

import sys

from tests.explore.explore import main

if __name__ == "__main__":
    sys.exit(main())
