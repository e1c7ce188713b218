"""What a run's log lines say of its servers, calls and waves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from show.story import Lane
from show.telling import tell


def at(second: float, event: str, **keys: Any) -> dict[str, Any]:
    return {"time": f"2026-01-01T00:00:{second:09.6f}+00:00", "event": event, "request_id": "r", **keys}


def planned(second: float, **keys: Any) -> dict[str, Any]:
    return at(second, "swap.planned", target="web", plan_id="p", steps=[], **keys)


def step(second: float, why: str, words: str, result: str = "applied", **keys: Any) -> dict[str, Any]:
    return at(second, "swap.step", target="web", why=why, step=words, result=result, code="", **keys)


def waiting(second: float, why: str = "health", **keys: Any) -> dict[str, Any]:
    return at(second, "swap.waiting", target="web", why=why, seconds=1, **keys)


def completed(second: float, before: list[str], outcome: str = "applied", **keys: Any) -> dict[str, Any]:
    backends = [{"server_id": i, "port": 80, "weight": 100} for i in before]
    target = {"target": "web", "outcome": outcome, "reason": None, "before": backends, "refused": [], **keys}
    return at(second, "swap.completed", outcome=outcome, targets=[target])


def spans(lane: Lane) -> list[tuple[float, float, int, str]]:
    return [(round(s.start, 3), round(s.end, 3), s.weight, s.state) for s in lane.spans]


SWAP = [
    planned(0),
    step(1, "replace", "Modify a:80 (100) -> c:80 (100)"),
    waiting(1.1),
    step(3, "replace", "Modify b:80 (100) -> d:80 (100)"),
    waiting(3.1),
    completed(5, ["a", "b"]),
]


def test_a_swap_is_told_from_its_own_lines_alone():
    story = tell(SWAP)
    assert {
        "a:80": [(0, 1, 100, "normal")],
        "b:80": [(0, 3, 100, "normal")],
        "c:80": [(1, 3, 100, "unproven"), (3, 5, 100, "normal")],
        "d:80": [(3, 5, 100, "unproven")],
    } == {lane.name: spans(lane) for lane in story.lanes}
    assert [(1, 3), (3, 5)] == [(round(a, 3), round(b, 3)) for a, b in story.waves]
    assert ("web", "applied", 5.0) == (story.target, story.outcome, round(story.seconds, 3))
    assert [True, True, False, False] == [lane.first for lane in story.lanes]


def test_what_is_in_service_is_what_has_weight_and_is_proven():
    assert [2, 1, 1] == [count for _, count in tell(SWAP).in_service()]


def test_a_surge_gives_weight_once_it_is_proven():
    story = tell(
        [
            planned(0),
            step(1, "surge", "Add c:80 (0)"),
            waiting(1.1),
            step(2, "weigh", "SetWeight c:80 (0) -> c:80 (100)"),
            step(3, "retire", "Remove a:80 (100)"),
            completed(4, ["a"]),
        ]
    )
    assert [(1, 2, 0, "unproven"), (2, 4, 100, "normal")] == spans(story.lanes[1])
    assert [(1, 4)] == [(round(a, 3), round(b, 3)) for a, b in story.waves]


def test_a_wave_that_is_taken_back_was_not_healthy():
    refused = [{"subject": "c", "reason": "not_healthy", "override": None}]
    story = tell(
        [
            planned(0),
            step(1, "replace", "Modify a:80 (100) -> c:80 (100)"),
            waiting(1.1),
            step(9, "take_back", "Modify c:80 (100) -> a:80 (100)"),
            completed(10, ["a"], "rolled_back", refused=refused),
        ]
    )
    assert [(1, 9, 100, "abnormal")] == spans(story.lanes[1])
    assert [(0, 1, 100, "normal"), (9, 10, 100, "normal")] == spans(story.lanes[0])


def test_a_write_that_failed_is_a_mark_and_changes_nothing():
    story = tell([planned(0), step(1, "add", "Add c:80 (100)", "busy"), completed(2, ["a"])])
    assert ["busy"] == [mark.result for mark in story.marks]
    assert ["a:80"] == [lane.name for lane in story.lanes]


def test_a_run_that_was_cut_off_is_told_as_far_as_it_went():
    story = tell([planned(0), step(1, "replace", "Modify a:80 (100) -> c:80 (100)"), waiting(2)])
    assert {"a:80": [(0, 1, 100, "normal")], "c:80": [(1, 2, 100, "unproven")]} == {
        lane.name: spans(lane) for lane in story.lanes
    }
    assert "" == story.outcome


def test_lists_that_were_logged_apart_are_put_back():
    whole = completed(5, ["a", "b"])
    before = whole["targets"][0]["before"]
    whole["targets"][0]["before"] = 2
    parts = [
        at(
            5 + n / 10,
            "swap.detail",
            of="swap.completed",
            list="targets[0].before",
            part=n,
            parts=2,
            items=[b],
        )
        for n, b in enumerate(before, 1)
    ]
    assert [lane.name for lane in tell(SWAP).lanes] == [
        lane.name for lane in tell([*SWAP[:-1], whole, *parts]).lanes
    ]


def test_lines_that_say_who_is_unproven_are_believed():
    story = tell(
        [
            planned(0, floor=3),
            step(1, "replace", "Modify a:80 (100) -> c:80 (100)"),
            waiting(1.5, unproven=["c"]),
            waiting(2, unproven=[]),
            completed(5, ["a"]),
        ]
    )
    assert [(1, 2, 100, "unproven"), (2, 5, 100, "normal")] == spans(story.lanes[1])
    assert 3 == story.floor


def test_what_the_local_cloud_saw_is_believed_over_what_was_inferred():
    def group(second: float, *backends: tuple[str, str]) -> dict[str, Any]:
        rows = [{"server_id": i, "port": 80, "weight": 100, "health": health} for i, health in backends]
        return at(second, "cloud.group", backends=rows)

    story = tell(
        [
            group(0, ("a", "normal")),
            *SWAP[:2],
            group(1, ("c", "unavailable")),
            group(2, ("c", "abnormal")),
            group(3, ("c", "normal")),
            completed(5, ["a"]),
        ]
    )
    assert ["normal"] == [s.state for s in story.lanes[0].spans]
    assert [(1, 2, 100, "unproven"), (2, 3, 100, "abnormal"), (3, 5, 100, "normal")] == spans(story.lanes[1])
    assert [True, False] == [lane.first for lane in story.lanes]


def test_traffic_is_counted_beside_it():
    story = tell([*SWAP, at(1, "traffic.counted", requests=10, failed=2)])
    assert [(10, 2)] == [(count.requests, count.failed) for count in story.traffic]


def test_other_lines_and_text_that_is_no_json_are_passed_over():
    noise = ["FC Invoke Start", "{", json.dumps({"event": "hook.completed", "time": "x"}), "[1]"]
    assert tell(SWAP).lanes == tell([*noise, *(json.dumps(line) for line in SWAP)]).lanes


def test_another_target_is_told_by_its_name():
    other = [{**planned(0), "target": "api"}]
    assert "web" == tell([*other, *SWAP], "web").target


def test_lines_without_a_run_are_refused():
    with pytest.raises(ValueError, match=r"swap\.planned"):
        tell(["{}"])
