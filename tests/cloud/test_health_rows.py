from __future__ import annotations

import pytest

from handler.cloud.health_rows import HealthRow, Port, read, verdicts
from handler.core.model.values import Key, Verdict

HTTP, HTTPS, UDP = Port(80, "http"), Port(443, "https"), Port(80, "udp")
ECS = Key("i-1", 8080)
ENI = Key("eni-1", 8080, "10.0.0.1")


def said(listener: Port, status: str, key: Key = ECS, protocol: str | None = "") -> HealthRow:
    shown = listener.protocol if protocol == "" else protocol
    return HealthRow(listener.port, shown, key.server_id, key.port, key.server_ip, status)


CASES = [
    ("nothing checks", [], [], Verdict.UNCHECKED),
    ("nothing is said yet", [HTTP], [], Verdict.PENDING),
    ("normal", [HTTP], [said(HTTP, "normal")], Verdict.NORMAL),
    ("not checked yet", [HTTP], [said(HTTP, "unavailable")], Verdict.PENDING),
    ("abnormal", [HTTP], [said(HTTP, "abnormal")], Verdict.ABNORMAL),
    ("normal on one of two", [HTTP, HTTPS], [said(HTTP, "normal")], Verdict.PENDING),
    ("normal on both", [HTTP, HTTPS], [said(HTTP, "normal"), said(HTTPS, "normal")], Verdict.NORMAL),
    (
        "abnormal on one of two",
        [HTTP, HTTPS],
        [said(HTTP, "normal"), said(HTTPS, "abnormal")],
        Verdict.ABNORMAL,
    ),
    (
        "abnormal where it is not checked",
        [HTTP],
        [said(HTTP, "normal"), said(HTTPS, "abnormal")],
        Verdict.NORMAL,
    ),
    ("the same number, another protocol", [HTTP], [said(UDP, "abnormal")], Verdict.PENDING),
    ("no protocol told", [HTTP], [said(HTTP, "normal", protocol=None)], Verdict.NORMAL),
    ("another port of the server", [HTTP], [said(HTTP, "normal", Key("i-1", 9090))], Verdict.PENDING),
    (
        "an address told of an instance",
        [HTTP],
        [said(HTTP, "normal", Key("i-1", 8080, "10.0.0.9"))],
        Verdict.NORMAL,
    ),
]


@pytest.mark.parametrize(
    ("checking", "rows", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_verdict(checking: list[Port], rows: list[HealthRow], expected: Verdict) -> None:
    assert verdicts([ECS], rows, frozenset(checking)) == {ECS: expected}


def test_what_has_an_address_is_known_by_it_where_it_is_told() -> None:
    other = Key("eni-1", 8080, "10.0.0.2")
    rows = [said(HTTP, "normal", ENI), said(HTTP, "abnormal", other)]
    assert verdicts([ENI, other], rows, frozenset([HTTP])) == {ENI: Verdict.NORMAL, other: Verdict.ABNORMAL}
    bare = [said(HTTP, "normal", Key("eni-1", 8080))]
    assert verdicts([ENI], bare, frozenset([HTTP])) == {ENI: Verdict.NORMAL}


def test_rows_are_read_with_and_without_what_may_be_left_out() -> None:
    whole = {
        "ListenerPort": "80",
        "Protocol": "HTTP",
        "ServerId": "i-1",
        "Port": 8080,
        "ServerIp": "10.0.0.1",
        "ServerHealthStatus": "Normal",
    }
    bare = {"ListenerPort": 80, "ServerId": "i-1", "Port": "8080", "ServerHealthStatus": "abnormal"}
    assert read({"BackendServers": {"BackendServer": [whole, bare]}}) == [
        HealthRow(80, "http", "i-1", 8080, "10.0.0.1", "normal"),
        HealthRow(80, None, "i-1", 8080, None, "abnormal"),
    ]
