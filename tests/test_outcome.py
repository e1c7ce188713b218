"""Several outcomes are one; every outcome has its status."""

from __future__ import annotations

import itertools

import pytest

from handler import outcome
from handler.core.model.steps import Outcome
from handler.core.model.values import Hook
from handler.running.hooks import Completed
from handler.triggers import deployment
from handler.triggers.reading import Ignored, Rejected
from localcloud.state import world as local
from tests.support.builders import cloud, group_of, request, shown_group
from tests.support.builders import target as aim
from tests.support.level_a import run


def target(name: str, said: str, reason: str | None = None) -> outcome.Result:
    return {"target": name, "outcome": said, "reason": reason}


@pytest.mark.parametrize("first", range(len(outcome.PRECEDENCE)))
def test_outcome_of_several_is_the_first_by_precedence(first: int) -> None:
    rest = outcome.PRECEDENCE[first:]
    if {"applied", "refused"} <= set(rest) or {"applied", "rejected"} <= set(rest):
        rest = tuple(one for one in rest if one not in {"refused", "rejected"}) if first != 3 else rest[:1]
    assert rest[0] == outcome.aggregate(rest[::-1])


@pytest.mark.parametrize("turned_away", ["refused", "rejected"])
def test_done_and_turned_away_together_are_partial(turned_away: str) -> None:
    assert "partial" == outcome.aggregate(["applied", turned_away])
    assert turned_away == outcome.aggregate(["unchanged", turned_away])
    assert "raised" == outcome.aggregate(["applied", turned_away, "raised"])


def test_order_of_targets_does_not_matter() -> None:
    for three in itertools.combinations(outcome.PRECEDENCE, 3):
        assert 1 == len({outcome.aggregate(list(order)) for order in itertools.permutations(three)})


def test_reason_is_that_of_the_target_that_decides() -> None:
    targets = [target("a", "applied", "health_unchecked"), target("b", "raised", "busy")]
    assert ("raised", "busy") == _said(outcome.summed_up(targets, [], [], "r"))


def test_nothing_asked_for_is_ignored() -> None:
    assert ("ignored", None) == _said(outcome.summed_up([], [], [], "r"))
    assert ("ignored", "github_ping") == _said(outcome.summed_up([], [], [Ignored("github_ping", "")], "r"))


def test_rejected_record_tells_its_digest() -> None:
    result = outcome.summed_up([], [Rejected("field: expected x", "abc")], [], "r")
    assert ("rejected", "field: expected x") == _said(result)
    assert [{"reason": "field: expected x", "digest": "abc"}] == result["rejected"]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("applied", 200),
        ("unchanged", 200),
        ("planned", 200),
        ("ignored", 200),
        ("accepted", 202),
        ("partial", 207),
        ("rejected", 400),
        ("refused", 409),
        ("rolled_back", 502),
        ("raised", 503),
    ],
)
def test_every_outcome_has_its_status(said: Outcome, status: int) -> None:
    response = outcome.as_http({"outcome": said})
    assert status == response["statusCode"]
    assert ("Retry-After" in response["headers"]) == (status == 503)
    assert set(outcome.PRECEDENCE) == set(outcome.STATUS)


@pytest.mark.parametrize("status", [400, 401, 404, 405, 413, 415])
def test_rejected_request_has_a_status_of_its_own(status: int) -> None:
    response = outcome.as_http({"outcome": "rejected"}, [Rejected("x", "y", status)])
    assert status == response["statusCode"]
    assert ("Allow" in response["headers"]) == (status == 405)


def _said(result: outcome.Result) -> tuple[object, object]:
    return result["outcome"], result["reason"]


def hook(failed: bool = True, may_pass: bool = False) -> Completed:
    waiting = Hook("ash-1", "token", None, "asg-web", "scale_out", ("i-1",))
    return Completed(waiting, "CONTINUE", "x", failed, may_pass)


def test_hook_that_may_yet_be_completed_raises_the_run() -> None:
    results = [{**target("a", "applied"), "refused": []}, {**target("b", "planned"), "refused": []}]
    told = outcome.with_hooks(results, [hook(may_pass=True)])
    assert [("raised", "hook_not_completed"), ("planned", None)] == [_said(one) for one in told]


@pytest.mark.parametrize(
    ("before", "after"),
    [("applied", "partial"), ("unchanged", "refused"), ("partial", "partial"), ("raised", "raised")],
)
def test_hook_that_cannot_be_completed_is_refused(before: str, after: str) -> None:
    (told,) = outcome.with_hooks([{**target("a", before), "refused": []}], [hook()])
    assert after == told["outcome"]
    assert (["ash-1"] if before != "raised" else []) == [one["subject"] for one in told["refused"]]


def test_hook_that_was_completed_changes_nothing() -> None:
    results = [{**target("a", "applied"), "refused": []}]
    assert results == outcome.with_hooks(results, [hook(failed=False)])


def test_reverse_names_the_address_of_an_eni_so_that_no_other_goes() -> None:
    over = cloud("i-1 i-2 eni-2@10.0.0.22", fresh="eni-2")
    done, _ = run(over, aim(scaling=False), request("i-1", "eni-2@10.0.0.2"))
    reverse = outcome.of_run(done)["reverse"]
    assert [{"server_id": "eni-2", "port": 8080, "server_ip": "10.0.0.2"}] == reverse["terminated"]
    (undo,) = deployment.read_value(reverse, [aim()], ("undo",))
    run(over, aim(scaling=False), undo)
    assert "eni-2@10.0.0.22 i-1 i-2" == shown_group(group_of(over))


def test_reverse_overrides_only_what_stands_in_its_way() -> None:
    for said, force in (
        ("i-8=0 i-9=0", ["max_removed"]),
        ("i-8=0 i-9", ["max_removed", "max_unavailable", "min_backends"]),
    ):
        over = cloud("i-1 i-2", fresh="i-8 i-9")
        done, _ = run(over, aim(scaling=False), request("", said))
        assert force == outcome.of_run(done)["reverse"]["force"]


def test_plan_tells_the_group_as_it_would_be_and_nothing_to_undo() -> None:
    over = cloud("i-1 i-2 i-3", fresh="i-9")
    done, _ = run(over, aim(scaling=False), request("i-1", "i-9", dry_run=True))
    told = outcome.of_run(done)
    assert ("planned", None) == (told["outcome"], told["reverse"])
    assert [("i-1", "i-9")] == [(pair["old"], pair["new"]) for pair in told["pairs"]]
    assert ["i-2", "i-3", "i-9"] == sorted(one["server_id"] for one in told["after"])
    assert "i-1 i-2 i-3" == shown_group(group_of(over))


def test_reverse_does_not_take_out_what_others_put_in_meanwhile() -> None:
    over = cloud("i-1 i-2 i-3", fresh="i-8 i-9 i-x9")
    by_hand = [local.Backend(one, 8080, 100, "ecs", None, "by-hand") for one in ("i-9", "i-x9")]

    def meddle(action: str) -> None:
        if action == "ModifyVServerGroupBackendServers" and by_hand:
            over.slb.remove("rsp-web", by_hand[:1])
            over.slb.add("rsp-web", [by_hand.pop(), by_hand.pop()])

    done, _ = run(over, aim(scaling=False), request("i-1", "i-8 i-9"), before=meddle)
    reverse = outcome.of_run(done)["reverse"]
    assert not by_hand
    assert ["i-8"] == [one["server_id"] for one in reverse["terminated"]]
    assert ["i-1"] == [one["server_id"] for one in reverse["launched"]]
