"""One address has one spelling."""

from __future__ import annotations

import pytest

from handler.core.model.addresses import normal, spelt_alike


@pytest.mark.parametrize(
    ("address", "usual"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:DB8::10", "2001:db8::10"),
        ("2001:0db8:0:0:0:0:0:10", "2001:db8::10"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
    ],
)
def test_an_address_is_the_same_however_it_is_spelt(address: str, usual: str) -> None:
    assert (usual, usual) == (normal(address), spelt_alike(address))


@pytest.mark.parametrize(
    "address", ["10.0.0", "fe80::1%eth0", "0.0.0.0", "::", "224.0.0.1", "255.255.255.255"]
)
def test_what_no_server_can_have_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        normal(address)
    assert address == spelt_alike(address)
