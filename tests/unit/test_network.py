"""The address that others type."""

from __future__ import annotations

import ipaddress

import pytest

from services.core.network import is_only_here, join_address, network_host


@pytest.mark.parametrize("requested", ["192.168.1.5:8050", "karst.lab.org", "[2001:db8::1]:8050", "[2001:db8::1]"])
def test_who_was_reached_from_elsewhere_is_reached_by_the_same(requested: str) -> None:
    assert join_address(requested) == f"http://{requested}"


@pytest.mark.parametrize("requested", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"])
def test_what_only_this_machine_reaches_gives_way_to_its_address_in_the_network(requested: str) -> None:
    host = network_host()
    assert is_only_here(requested)
    assert join_address(f"{requested}:8050") == (f"http://{host}:8050" if host else "")
    assert not host or not ipaddress.ip_address(host).is_loopback
