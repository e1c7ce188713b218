"""One TLS context for all connections of a client."""

from __future__ import annotations

import pytest

from handler.cloud import fc, sdk


@pytest.mark.parametrize("adapter", [fc._Adapter, sdk._Adapter])
def test_connections_through_a_proxy_share_the_one_context_too(adapter: type) -> None:
    one = adapter()
    direct = one.poolmanager.connection_pool_kw["ssl_context"]
    through = one.proxy_manager_for("http://127.0.0.1:3128").connection_pool_kw["ssl_context"]
    assert direct is through
