"""The log: one JSON object a line, no line too long, nothing secret in any."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest

from handler import logs
from handler.cloud.credentials import Credentials


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(logs, "_secrets", type(logs._secrets)())
    logs.configure()
    yield
    logs.clear()


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Any:
    def read() -> list[dict[str, Any]]:
        lines = capsys.readouterr().out.splitlines()
        assert all(len(line.encode()) <= logs.LONGEST_LINE for line in lines)
        return [json.loads(line) for line in lines]

    return read


def test_a_line_begins_with_when_how_grave_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    logs.event("swap.step", action="Modify")
    line = capsys.readouterr().out
    assert line.endswith("}\n")
    assert list(json.loads(line)) == ["time", "level", "event", "action"]
    assert json.loads(line)["time"].endswith("Z")


def test_an_invocations_keys_are_in_each_of_its_lines_and_in_no_others(told: Any) -> None:
    logs.bind(request_id="r-1", event_ids=["e-1"])
    logs.event("one")
    logs.bind(trigger="timer")
    logs.completed({"outcome": "unchanged"})
    logs.clear()
    logs.unfinished({"outcome": "applied"})
    one, two, three = told()
    assert (one["request_id"], one["event_ids"], "trigger" in one) == ("r-1", ["e-1"], False)
    assert (two["event"], two["level"], two["trigger"]) == ("swap.completed", "info", "timer")
    assert (three["event"], three["level"], "request_id" in three) == ("swap.unfinished", "warning", False)


def test_levels(told: Any) -> None:
    logs.configure("WARNING")
    logs.event("quiet")
    logs.event("loud", level="error")
    assert [line["event"] for line in told()] == ["loud"]


def test_cold_start_is_true_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_cold", True)
    assert [logs.cold_start(), logs.cold_start()] == [True, False]


@pytest.mark.parametrize(
    "key",
    [
        "access_key_secret",
        "AccessKeyId",
        "security-token",
        "Signature",
        "Authorization",
        "secret",
        "body",
        "token",
    ],
)
def test_keys_that_name_secrets_are_hidden_at_any_depth(told: Any, key: str) -> None:
    logs.event("x", outer=[{key: "hush"}], **{key: "hush"})
    (line,) = told()
    assert line[key] == "***"
    assert line["outer"] == [{key: "***"}]


def test_known_secrets_are_hidden_wherever_they_stand(told: Any) -> None:
    logs.redact("hush-hush", "abc")
    logs.bind(request_id="r hush-hush")
    logs.event("x", text="a hush-hush b", deep={"list": ("hush-hush",)}, short="abc")
    try:
        int("hush-hush")
    except ValueError:
        logs.event("raised", level="error", exc_info=True)
    first, second = told()
    assert first["request_id"] == "r ***"
    assert (first["text"], first["deep"], first["short"]) == ("a *** b", {"list": ["***"]}, "abc")
    assert "with base 10: '***'" in second["exception"]


def test_the_oldest_secrets_are_forgotten_the_ones_in_use_are_not(told: Any) -> None:
    logs.redact("webhook-secret")
    for number in range(100):
        logs.redact(f"token-{number}-", "webhook-secret")
    logs.event("x", old="token-0-", new="token-99-", always="webhook-secret")
    (line,) = told()
    assert (line["old"], line["new"], line["always"]) == ("token-0-", "***", "***")
    assert len(logs._secrets) == 64


class Word(str, Enum):
    NORMAL = "normal"


def test_whatever_is_told_becomes_json_without_secrets(told: Any) -> None:
    logs.event(
        "x",
        word=Word.NORMAL,
        keys=Credentials("id-id", "secret-secret"),
        raw=b"body",
        huge=2**70,
        odd="\ud800",
        some={1},
        none=None,
        yes=True,
        share=0.5,
        by_number={1: "one"},
    )
    (line,) = told()
    assert {k: v for k, v in line.items() if k not in {"time", "level", "event"}} == {
        "word": "normal",
        "keys": "Credentials()",
        "raw": "4 bytes",
        "huge": str(2**70),
        "odd": "?",
        "some": [1],
        "none": None,
        "yes": True,
        "share": 0.5,
        "by_number": {"1": "one"},
    }


def result(pairs: int, targets: int = 1) -> dict[str, Any]:
    made = [{"old": f"i-old{n}", "new": f"i-new{n}", "port": 8080, "weight": 100} for n in range(pairs)]
    one = {"outcome": "applied", "pairs": made, "reverse": {"launched": [f"i-old{n}" for n in range(pairs)]}}
    return {"outcome": "applied", "targets": [{"target": f"web{n}", **one} for n in range(targets)]}


def gathered(lines: list[dict[str, Any]]) -> dict[str, list[Any]]:
    lists: dict[str, list[Any]] = {}
    for number, line in enumerate(lines, 1):
        assert (line["event"], line["part"], line["parts"]) == ("swap.detail", number, len(lines))
        lists.setdefault(line["list"], []).extend(line["items"])
    return lists


def test_a_result_that_fits_is_one_line(told: Any) -> None:
    logs.completed(result(45))
    (line,) = told()
    assert line["targets"] == result(45)["targets"]


def test_a_result_that_does_not_fit_is_counted_and_told_in_numbered_lines(told: Any) -> None:
    logs.bind(request_id="r-1")
    logs.completed(result(1000, targets=2))
    main, *details = told()
    assert main["targets"] == [
        {"target": f"web{n}", "outcome": "applied", "pairs": 1000, "reverse": {"launched": 1000}}
        for n in range(2)
    ]
    assert all(line["request_id"] == "r-1" and line["of"] == "swap.completed" for line in details)
    whole = result(1000, targets=2)["targets"]
    assert gathered(details) == {
        "targets[0].pairs": whole[0]["pairs"],
        "targets[0].reverse.launched": whole[0]["reverse"]["launched"],
        "targets[1].pairs": whole[1]["pairs"],
        "targets[1].reverse.launched": whole[1]["reverse"]["launched"],
    }


def test_targets_too_many_for_a_line_are_counted_too(told: Any) -> None:
    logs.completed(result(1, targets=1000))
    main, *details = told()
    assert main["targets"] == 1000
    assert [target["target"] for target in gathered(details)["targets"]] == [f"web{n}" for n in range(1000)]


def test_what_fits_in_no_line_is_cut(told: Any) -> None:
    logs.completed({"reason": 'x"' * 40_000, "rejected": [{"reason": "é" * 40_000}, "short"], "none": []})
    main, *details = told()
    assert main["reason"].endswith("...")
    (first, second) = gathered(details)["rejected"]
    assert first.endswith("...")
    assert second == "short"


def test_a_list_too_long_to_repeat_is_bound_as_its_length(told: Any) -> None:
    logs.bind(event_ids=[f"event-{n:020}" for n in range(500)])
    logs.event("x")
    (line,) = told()
    assert line["event_ids"] == 500


def test_exceptions_fit_too(told: Any) -> None:
    try:
        {}["x" * 100_000]
    except KeyError:
        logs.event("raised", level="error", exc_info=True)
    (line,) = told()
    assert line["exception"].endswith("...")
