"""``slb-swap explain`` takes a request for signed only if its file says that it is signed rightly."""

from __future__ import annotations

import pytest

from tests.swapctl.conftest import EVENTS, TARGETS, Command


@pytest.mark.parametrize(
    ("name", "sign"),
    [("unsigned", "none"), ("wrong-secret", "wrong"), ("tampered", "tampered"), ("stale", "stale")],
)
def test_a_request_that_is_not_signed_rightly_asks_nothing(command: Command, name: str, sign: str) -> None:
    ended = command("explain", EVENTS / f"webhook-{name}.json", "--targets", TARGETS)
    assert (1, True) == (
        ended.code,
        f"rejected  not signed as it must be: the file's sign is {sign}" in ended.out,
    )
    assert "a signed request" not in ended.out
    assert "i-old1" not in ended.out
