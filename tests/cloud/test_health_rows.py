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


NORMAL, ABNORMAL, PENDING, MIXED = Verdict.NORMAL, Verdict.ABNORMAL, Verdict.PENDING, Verdict.MIXED
BOTH = [HTTP, HTTPS]

CASES: list[tuple[str, list[Port], list[HealthRow], dict[str, Verdict]]] = [
    ("nothing checks", [], [], {}),
    ("nothing checks, though there are rows", [], [said(HTTP, "abnormal")], {}),
    ("nothing is said yet", [HTTP], [], {"http:80": PENDING}),
    ("normal", [HTTP], [said(HTTP, "normal")], {"http:80": NORMAL}),
    ("not checked yet", [HTTP], [said(HTTP, "unavailable")], {"http:80": PENDING}),
    ("abnormal", [HTTP], [said(HTTP, "abnormal")], {"http:80": ABNORMAL}),
    ("normal on one of two", BOTH, [said(HTTP, "normal")], {"http:80": NORMAL, "https:443": PENDING}),
    (
        "they disagree",
        BOTH,
        [said(HTTP, "normal"), said(HTTPS, "abnormal")],
        {"http:80": NORMAL, "https:443": ABNORMAL},
    ),
    (
        "abnormal where it is not checked",
        [HTTP],
        [said(HTTP, "normal"), said(HTTPS, "abnormal")],
        {"http:80": NORMAL},
    ),
    ("the same number, another protocol", [HTTP], [said(UDP, "abnormal")], {"http:80": PENDING}),
    (
        "no protocol told",
        [HTTP, UDP],
        [said(HTTP, "normal", protocol=None)],
        {"http:80": NORMAL, "udp:80": NORMAL},
    ),
    ("another port of the server", [HTTP], [said(HTTP, "normal", Key("i-1", 9090))], {"http:80": PENDING}),
    (
        "an address told of an instance",
        [HTTP],
        [said(HTTP, "normal", Key("i-1", 8080, "10.0.0.9"))],
        {"http:80": NORMAL},
    ),
    (
        "a row for itself and one for a rule, one abnormal",
        [HTTP],
        [said(HTTP, "normal"), said(HTTP, "abnormal"), said(HTTP, "normal")],
        {"http:80": MIXED},
    ),
    (
        "a row for itself and one for a rule, one that is not checked",
        [HTTP],
        [said(HTTP, "unavailable"), said(HTTP, "normal"), said(HTTP, "unavailable")],
        {"http:80": MIXED},
    ),
    (
        "a row for itself and one for a rule, none normal",
        [HTTP],
        [said(HTTP, "unavailable"), said(HTTP, "abnormal")],
        {"http:80": ABNORMAL},
    ),
    (
        "a row for itself and one for a rule, both abnormal",
        [HTTP],
        [said(HTTP, "abnormal"), said(HTTP, "abnormal")],
        {"http:80": ABNORMAL},
    ),
]


@pytest.mark.parametrize(
    ("checking", "rows", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_verdicts(checking: list[Port], rows: list[HealthRow], expected: dict[str, Verdict]) -> None:
    assert verdicts([ECS], rows, frozenset(checking)) == {ECS: expected}


def test_a_row_that_is_never_checked_does_not_keep_a_server_from_being_normal() -> None:
    rows = [said(HTTP, "unavailable"), said(HTTP, "normal")]
    assert verdicts([ECS], rows, frozenset([HTTP]), frozenset([HTTP])) == {ECS: {"http:80": NORMAL}}
    assert verdicts([ECS], rows[:1], frozenset([HTTP]), frozenset([HTTP])) == {ECS: {"http:80": PENDING}}


def test_what_has_an_address_is_known_by_it_where_it_is_told() -> None:
    other = Key("eni-1", 8080, "10.0.0.2")
    rows = [said(HTTP, "normal", ENI), said(HTTP, "abnormal", other)]
    assert verdicts([ENI, other], rows, frozenset([HTTP])) == {
        ENI: {"http:80": NORMAL},
        other: {"http:80": ABNORMAL},
    }
    bare = [said(HTTP, "normal", Key("eni-1", 8080))]
    assert verdicts([ENI], bare, frozenset([HTTP])) == {ENI: {"http:80": NORMAL}}


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
