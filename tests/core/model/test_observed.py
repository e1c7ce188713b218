"""What a look says: of listings, of listeners, and of instances."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.observed import Listing, Source, believed
from handler.core.model.values import Instance, Verdict
from tests.support.builders import backend, by_listener, servers, view

SOME = tuple(servers("i-1").values())
FULL, SHORT = Listing(SOME, complete=True), Listing(SOME, complete=False)
SILENT, NONE = Listing((), complete=True, counted=3), Listing((), complete=True, counted=0)
UNSAID = Listing((), complete=True)


@pytest.mark.parametrize(
    ("listings", "missing", "expected"),
    [
        ([], 0, Source.ABSENT),
        ([FULL, FULL], 0, Source.COMPLETE),
        ([FULL, SILENT], 0, Source.SOME_EMPTY),
        ([SILENT, UNSAID], 0, Source.EMPTY),
        ([NONE], 0, Source.COMPLETE),  # a count, not a silence
        ([FULL, NONE], 0, Source.COMPLETE),  # blue at zero beside a full green
        ([NONE, SILENT], 0, Source.SOME_EMPTY),
        ([SILENT, SHORT], 0, Source.SHORT),
        ([FULL], 1, Source.SOME_EMPTY),  # one that is not there is as good as silent
        ([NONE], 1, Source.SOME_EMPTY),
        ([], 1, Source.EMPTY),
    ],
)
def test_how_far_listings_are_believed(listings: list[Listing], missing: int, expected: Source) -> None:
    assert expected == believed(listings, missing)


def test_a_listener_without_a_row_for_a_backend_has_no_verdict_yet() -> None:
    looked = replace(by_listener("i-1", {"http:80": "", "https:443": "i-1=abnormal"}), health={})
    assert Verdict.PENDING is looked.verdict(backend("i-1").key, "http:80")
    assert not looked.is_normal(backend("i-1").key, looked.listeners.checking)


def test_normal_is_what_all_find_and_abnormal_what_any_does() -> None:
    looked = by_listener("i-1", {"http:80": "", "https:443": "i-1=abnormal"})
    key = backend("i-1").key
    assert [True, False, True] == [looked.is_normal(key, on) for on in (["http:80"], ["https:443"], [])]
    assert [False, True, True] == [
        looked.is_abnormal(key, on) for on in (["http:80"], ["https:443"], looked.listeners.checking)
    ]


def test_what_a_scaling_group_lists_is_told_of_each_address() -> None:
    looked = view("i-1", "i-1 i-2=leaving")
    assert [True, False, False] == [
        looked.is_listed_in_service(one) for one in ("i-1@10.0.0.1", "i-2", "i-3")
    ]
    assert [False, True, False] == [looked.is_leaving(one) for one in ("i-1", "i-2@10.0.0.1", "i-3")]


RUNNING = {"i-1": Instance("i-1", "running", reclaimed=False)}


def test_what_ecs_was_not_asked_for_is_not_unknown() -> None:
    looked = view("i-1 i-2", asked=frozenset({"i-1", "i-2"}), instances=RUNNING)
    assert [False, True, False] == [looked.is_unknown_to_ecs(one) for one in ("i-1", "i-2", "i-3")]
    unread = replace(looked, instances=None)
    assert not unread.is_unknown_to_ecs("i-2")
    assert unread.instance("i-1") is None


STOPPED = {**RUNNING, "i-2": Instance("i-2", "stopped", reclaimed=False)}


@pytest.mark.parametrize(
    ("listed", "also", "expected"),
    [
        ("", {"checked": False}, True),
        ("", {"abnormal": "i-2"}, True),
        ("", {"checked": True}, False),  # a check finds it normal: it serves, whatever ECS says
        ("i-2", {"checked": False}, False),
        ("i-2=leaving", {"checked": False}, False),  # it is there as long as a scaling group lists it
    ],
)
def test_released_is_what_ecs_does_not_know_and_nothing_contradicts(
    listed: str, also: dict[str, object], expected: bool
) -> None:
    looked = view("i-1 i-2", listed, asked=frozenset({"i-1", "i-2"}), instances=RUNNING, **also)
    assert expected == looked.is_released("i-2")
    assert not looked.is_released("i-1")


@pytest.mark.parametrize(
    ("listed", "source", "expected"),
    [
        ("", Source.COMPLETE, True),  # both say that nobody is left
        ("i-1", Source.COMPLETE, False),
        ("", Source.EMPTY, False),
        ("", Source.SHORT, False),
        ("", Source.ABSENT, False),
    ],
)
def test_an_ecs_that_knows_nobody_is_believed_only_where_the_scaling_groups_agree(
    listed: str, source: Source, expected: bool
) -> None:
    looked = view("i-1 i-2", listed, source=source, asked=frozenset({"i-1", "i-2"}), instances={})
    assert expected == looked.is_released("i-2")


@pytest.mark.parametrize(
    ("also", "expected"),
    [
        ({"instances": STOPPED}, [True, False]),
        ({"instances": RUNNING}, [True, False]),  # ECS does not know it
        ({"instances": {}}, [True, True]),  # ECS knows nobody, and is not believed
        ({"instances": None}, [True, True]),
        ({"instances": STOPPED, "checked": True}, [True, True]),  # a check finds it normal
    ],
)
def test_a_dead_instance_serves_nobody_though_nothing_checks_it(
    also: dict[str, object], expected: list[bool]
) -> None:
    looked = view("i-1 i-2", asked=frozenset({"i-1", "i-2"}), **also)  # type: ignore[arg-type]
    keys = [backend(one) for one in ("i-1", "i-2")]
    assert expected == [looked.gets_requests(one) for one in keys]
    assert expected == [looked.is_proven(one.key, looked.listeners.checking) for one in keys]


def test_a_check_that_passes_counts_more_than_a_listener_that_checks_nothing() -> None:
    for said, expected in (("", True), ("i-2=abnormal", False), ("i-2=pending", False)):
        looked = by_listener("i-1 i-2", {"http:80": said}, unchecking="tcp:443")
        looked = replace(looked, asked=frozenset({"i-1", "i-2"}), instances=STOPPED)
        assert expected == looked.gets_requests(backend("i-2"))
