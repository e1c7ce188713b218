"""One running cloud for the folder, at the level that says most."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.level_c import Http, running
from tests.support.places import place, target

STATE = place("web", "i-1 i-2 i-3", "i-2 i-3 i-4", fresh="i-5")


@pytest.fixture(scope="session")
def cloud() -> Iterator[Http]:
    with running(STATE, [target()], env={"LOG_LEVEL": "DEBUG"}) as http:
        yield http
