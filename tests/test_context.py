"""The context of an invocation is read whatever runtime it comes from."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from handler import context
from handler.context import Invocation

FULL = SimpleNamespace(
    request_id="r-1",
    region="cn-hangzhou",
    account_id="123",
    function=SimpleNamespace(name="swap", timeout="600"),
)


def test_context_of_function_compute_2_is_read() -> None:
    assert Invocation("r-1", "cn-hangzhou", "123", "swap", 600.0) == context.read(FULL, {})


def test_environment_says_what_the_context_does_not() -> None:
    environ = {"FC_REGION": "cn-beijing", "FC_ACCOUNT_ID": "456", "FC_FUNCTION_NAME": "other"}
    assert Invocation("", "cn-beijing", "456", "other", None) == context.read(None, environ)


@pytest.mark.parametrize("said", [None, "", "soon", 0, -1, "inf", "nan"])
def test_timeout_that_says_nothing_is_the_platforms_default(said: object) -> None:
    function = SimpleNamespace(name="swap", timeout=said)
    assert context.read(SimpleNamespace(function=function), {}).timeout_s is None
