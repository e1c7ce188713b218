"""The log: one JSON object a line, no line too long, nothing secret in any."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler import blinds, logs
from handler.cloud import fc3
from handler.cloud.credentials import Credentials
from handler.triggers import keys


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    logs.clear()
    monkeypatch.setattr(blinds, "_recent", blinds._Known())
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
    logs.event("swap.completed", outcome="unchanged")
    logs.clear()
    logs.event("swap.unfinished", level="warning", outcome="applied")
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
        "x-acs-security-token",
        "webhook_secret",
        "Password",
        "AccessKey",
        "X-Hub-Signature-256",
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
    logs.event("y", deep={"hush-hush": {"and hush-hush": 1}})
    try:
        int("hush-hush")
    except ValueError:
        logs.event("raised", level="error", exc_info=True)
    first, keyed, second = told()
    assert keyed["deep"] == {"***": {"and ***": 1}}
    assert first["request_id"] == "r ***"
    assert (first["text"], first["deep"], first["short"]) == ("a *** b", {"list": ["***"]}, "abc")
    assert "with base 10: '***'" in second["exception"]


UUID = "4B4F4D3C-AAAA-BBBB-CCCC-0123456789AB"


def test_no_number_of_tokens_pushes_a_secret_out_while_it_is_in_use(told: Any) -> None:
    logs.redact("webhook-secret")
    tokens = [f"4B4F4D3C-AAAA-BBBB-CCCC-{number:012}" for number in range(10_000)]
    logs.redact_tokens(tokens, ())
    logs.event("x", first=tokens[0], last=tokens[-1], always="a webhook-secret b")
    (line,) = told()
    assert (line["first"], line["last"], line["always"]) == ("***", "***", "a *** b")


def test_secrets_do_not_pile_up_from_invocation_to_invocation(told: Any) -> None:
    for number in range(100):
        logs.redact("always-the-same", f"the-secret-of-{number:03}")
        logs.clear()
    assert len(blinds._recent.secrets) == 64
    logs.event("x", old="the-secret-of-000", late="the-secret-of-099")
    (line,) = told()
    assert (line["old"], line["late"]) == ("the-secret-of-000", "***")


def test_tokens_of_one_invocation_push_no_key_out_of_the_next() -> None:
    logs.redact("the-access-key")
    logs.redact_tokens([f"4B4F4D3C-AAAA-BBBB-CCCC-{number:012}" for number in range(100)], ())
    logs.clear()
    logs.redact("the-access-key")
    assert blinds.hide("the-access-key") == "***"


def test_a_secret_that_is_met_again_is_not_forgotten_as_the_oldest() -> None:
    for number in range(64):
        logs.redact("a-secret-of-all", f"token-{number:04}")
        logs.clear()
    assert "***" == blinds.hide("a-secret-of-all")


def test_an_invocation_that_ends_takes_no_secret_from_another() -> None:
    def other() -> str:
        logs.redact("the-others-secret")
        seen = blinds.hide("the-others-secret ours-ours-ours")
        logs.clear()
        return seen

    logs.redact("ours-ours-ours")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(other).result() == "*** ours-ours-ours"
    assert blinds.hide("ours-ours-ours") == "***"


def test_hiding_takes_no_time_that_grows_with_the_secrets() -> None:
    text = "4B4F4D3C-AAAA-BBBB-CCCC-x" * 2_000
    logs.redact_tokens((f"{n:08}-AAAA-BBBB-CCCC-0123456789AB" for n in range(10_000)), ())
    looked: list[str] = []

    class Counted(str):
        def startswith(self, *given: Any) -> bool:
            looked.append("")
            return super().startswith(*given)

    assert blinds.hide(Counted(text)) == text
    assert len(looked) <= len(text) * 20


@pytest.mark.parametrize(
    "word",
    [
        "refused",
        "swap.completed",
        "rolled_back",
        "weight_0_not_handed_on",
        "i-bp1ecrg5go2go12345678",
        "asg-bp1ecrg5go2go12345678",
        "rsp-bp1ecrg5go2go12345678",
        "web-2024-07-01-a",
        "slb-swap/web-2024-07-01-a",
        "swap-30/web-2024-07-01-a",
        "2001:db8:1234:5678::1",
        "192.168.100.100:8080",
        "cn-hangzhou",
        "2026-11-25T12:41:23.000000Z",
        "InvalidServerGroupId.NotFound",
    ],
)
def test_a_forged_token_takes_no_word_out_of_the_log(told: Any, word: str) -> None:
    logs.redact_tokens([word], ["prod-web-2024-07-01-a"])
    logs.event(word, said=word)
    (line,) = told()
    assert (line["event"], line["said"]) == (word, word)


@pytest.mark.parametrize("token", [UUID, UUID.lower(), UUID.replace("-", ""), "dG9rZW4tb2YtYS1ob29rLTEyMzQ="])
def test_a_token_is_hidden(told: Any, token: str) -> None:
    logs.redact_tokens([token], ["web", "rsp-web"])
    logs.event("x", said=f"/?LifecycleActionToken={token}&x")
    assert told()[0]["said"] == "/?LifecycleActionToken=***&x"


@given(st.uuids())
def test_every_uuid_looks_like_a_token(token: Any) -> None:
    assert blinds.looks_like_a_token(str(token)) or sum(one.isdigit() for one in str(token)) < 4
    assert blinds.looks_like_a_token(str(token).upper()) or sum(one.isdigit() for one in str(token)) < 4


def test_no_word_of_the_code_looks_like_a_token() -> None:
    root = Path(logs.__file__).parent
    constants = {
        node.value
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert {"still_in_service", "swap.step", "InvalidAccessKeyId.NotFound"} & constants
    words = {one for one in constants if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.:/-]*", one)}
    modules = {word for word in words if word.startswith("aliyunsdk")}
    never_logged = {fc3.ALGORITHM, keys._PUBLISHED}
    assert [word for word in sorted(words - modules - never_logged) if blinds.looks_like_a_token(word)] == []


secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=12)


@given(
    st.lists(secrets, max_size=6),
    st.lists(st.text(max_size=5) | st.integers(0, 5), max_size=8),
    st.integers(0, 3),
)
def test_no_secret_is_left_in_a_text_in_any_of_its_forms(
    given_: list[str], parts: list[Any], form: int
) -> None:
    forms = [str, lambda one: quote(one, safe=""), lambda one: quote(quote(one, safe=""), safe="")]
    forms.append(lambda one: json.dumps(one)[1:-1])
    text = "".join(
        part if isinstance(part, str) else forms[form](given_[part % len(given_)]) if given_ else ""
        for part in parts
    )
    with mock.patch.object(blinds, "_recent", blinds._Known()):
        logs.redact(*given_)
        left = blinds.hide(text)
        logs.clear()
    for piece in left.split(blinds.HIDDEN):
        assert not any(forms[form](one) in piece for one in given_)
    assert left == text or any(one in text for secret in given_ for one in (f(secret) for f in forms))


words = st.text(max_size=8) | st.sampled_from(["webhook_secret", "Access-Key", "to_ken", "i-1", 'tök"en'])
told_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=3) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(words, told_values, max_size=4), st.lists(secrets | st.just('tök"en'), max_size=2))
def test_what_needs_no_cleaning_is_logged_as_if_cleaned(keys: dict[str, Any], known: list[str]) -> None:
    with mock.patch.object(blinds, "_recent", blinds._Known()):
        logs.redact(*known)
        quick, walked = (msgspec.json.encode(one) for one in (logs._cleaned(keys), logs._clean("", keys)))
        logs.clear()
    assert quick == walked


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
    logs.event("swap.completed", **result(45))
    (line,) = told()
    assert line["targets"] == result(45)["targets"]


def test_a_result_that_does_not_fit_is_counted_and_told_in_numbered_lines(told: Any) -> None:
    logs.bind(request_id="r-1")
    logs.event("swap.completed", **result(1000, targets=2))
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
    logs.event("swap.completed", **result(1, targets=1000))
    main, *details = told()
    assert main["targets"] == 1000
    assert [target["target"] for target in gathered(details)["targets"]] == [f"web{n}" for n in range(1000)]


def test_what_fits_in_no_line_is_cut(told: Any) -> None:
    logs.event("swap.completed", reason='x"' * 40_000, rejected=[{"reason": "é" * 40_000}, "short"], none=[])
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
