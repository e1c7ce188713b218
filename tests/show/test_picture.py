"""The picture: an SVG that says what the story says."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

pytest.importorskip("matplotlib", reason="`make picture` installs it")

from show.picture import picture


def at(second: float, event: str, **keys: Any) -> dict[str, Any]:
    stamp = f"2026-01-01T00:{int(second) // 60:02d}:{second % 60:09.6f}+00:00"
    return {"time": stamp, "event": event, "request_id": "r", "target": "web", **keys}


def run(servers: int) -> list[dict[str, Any]]:
    """A swap of so many servers, ten at a time."""
    ids = range(servers)
    lines = [at(0, "swap.planned", plan_id="p", steps=[])]
    for wave in range(0, servers, 10):
        words = ", ".join(f"i-old{n:03d}:80 (100) -> i-new{n:03d}:80 (100)" for n in ids[wave : wave + 10])
        lines += [
            at(wave / 10 + 1, "swap.step", why="replace", step=f"Modify {words}", result="applied", code=""),
            at(wave / 10 + 1.1, "swap.waiting", why="health", seconds=1),
        ]
    before = [{"server_id": f"i-old{n:03d}", "port": 80, "weight": 100} for n in ids]
    target = {"target": "web", "outcome": "applied", "reason": None, "before": before, "refused": []}
    return [*lines, {**at(servers / 10 + 1, "swap.completed"), "target": None, "targets": [target]}]


def texts(svg: str) -> list[str]:
    return [
        "".join(node.itertext()).strip() for node in ET.fromstring(svg).iter() if node.tag.endswith("text")
    ]


def test_it_names_the_servers_the_calls_the_waves_and_the_floor():
    said = texts(picture(run(20), floor=15))
    assert {"i-old000:80", "i-new019:80", "Modify", "wave 1", "wave 2", "floor 15"} <= set(said)


def test_it_has_a_title_for_screen_readers():
    root = ET.fromstring(picture(run(20)))
    titles = [node.text for node in root if node.tag.endswith("title")]
    assert ("img", ["web: applied, 2 waves, 3.0 s"]) == (root.get("role"), titles)


def test_the_same_lines_give_the_same_picture():
    assert picture(run(20)) == picture(run(20))


def test_200_servers_stay_on_one_page_with_labels_that_do_not_touch():
    svg = picture(run(200))
    height = float(str(ET.fromstring(svg).get("height")).removesuffix("pt"))
    labels = [said for said in texts(svg) if said.startswith("i-")]
    assert height < 1300
    assert 400 / 10 < len(labels) < height / 10
    assert len(svg) < 500_000


def test_traffic_and_its_failures_stand_under_it():
    said = texts(picture([*run(20), at(1.5, "traffic.counted", requests=1200, failed=3)]))
    assert "1,200 requests, 3 failed" in said


def test_markup_in_a_name_stays_text():
    assert "<b>" not in picture(run(20), title="<b>web</b>")
