"""One running cloud for the folder; a test asks for ``there`` to make its world in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.scenarios.readings import told, under
from tests.scenarios.world import POLICIES, TARGETS, Remote
from tests.support.level_c import Http, running
from tests.support.places import merged, place


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for ``readings`` under every value of those that its scenario depends on."""
    if "readings" in metafunc.fixturenames:
        metafunc.parametrize("readings", under(metafunc.module.ROW), ids=told)


@pytest.fixture(scope="session")
def cloud() -> Iterator[Http]:
    with running(merged(*(place(name, "", "") for name in sorted(POLICIES))), TARGETS) as http:
        yield http


@pytest.fixture
def there(cloud: Http) -> Callable[..., Remote]:
    """Make a world over HTTP, with worker processes."""

    def make(*arguments: Any, **also: Any) -> Remote:
        return Remote(cloud, *arguments, **also)

    return make
