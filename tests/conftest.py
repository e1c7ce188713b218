"""What holds for all tests: property tests look at the same examples each time, and every run ends.

A run that fails by chance tells its author nothing of a change. To look for new examples:
``HYPOTHESIS_PROFILE=explore make test``.
"""

from __future__ import annotations

import os

from hypothesis import settings

from tests.support.written import pytest_runtest_call, pytest_sessionstart

__all__ = ["pytest_runtest_call", "pytest_sessionstart"]

settings.register_profile("steady", derandomize=True, database=None)
settings.register_profile("explore", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
