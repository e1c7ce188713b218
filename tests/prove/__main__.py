"""``python -m tests.prove``."""

import sys

from tests.prove.prove import main

sys.exit(main())
