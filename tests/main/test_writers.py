"""Several functions ``swap`` over one cloud: each delivery reaches all, and each target has one writer."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from handler import main, settings, webhook
from handler.cloud import fc3
from handler.cloud.invoking import Invoked
from handler.core.planning.shares import shares
from tests.support.deliveries import (
    ACCOUNT,
    REGION,
    SECRET,
    deleted,
    hooked,
    http_event,
    scaled_in,
    signed,
    timer,
)
from tests.support.level_b import World
from tests.support.places import hook, place, target

WEB = target("web", load_balancer_id="lb-web")
AUTH = target("auth", load_balancer_id="lb-auth")
TARGETS = [WEB, AUTH]
WRITES = (
    "ModifyVServerGroupBackendServers",
    "AddVServerGroupBackendServers",
    "RemoveVServerGroupBackendServers",
)


class Fleet:
    """So many functions over one cloud; ``environ`` is what all of them have besides their share."""

    def __init__(
        self, targets: Sequence[Mapping[str, Any]], writers: int, first: World, **environ: str
    ) -> None:
        self.first, self.writers, self._targets = first, writers, targets
        self.functions = {k: self._function(k, **environ) for k in range(1, writers + 1)}

    def _function(self, number: int, **environ: str) -> World:
        made = self.first.beside()
        made._settings = settings.load(
            {
                "SWAP_TARGETS": json.dumps(list(self._targets)),
                "SWAP_WEBHOOK_SECRETS": SECRET,
                "SWAP_SHARD": f"{number}/{self.writers}",
                **environ,
            }
        )
        made.restart()
        return made

    def of(self, name: str) -> World:
        read = settings.load({"SWAP_TARGETS": json.dumps(list(self._targets))}).targets
        found = next(one.vserver_group_id for one in read if one.name == name)
        return self.functions[shares(read, self.writers)[found]]

    def deliver(self, event: Any) -> dict[int, str]:
        """Hand a delivery to each, as the platform does; returns what it came to in each."""
        return {number: one.deliver(event).outcome for number, one in self.functions.items()}


def both(**how: Any) -> World:
    """Of each of two groups, one server is gone and another has come."""
    gone = {"of": "i-web1 i-web2", "listed": "i-web2 i-web3", **how}
    other = place("auth", "i-auth1 i-auth2", "i-auth2 i-auth3")
    return World(gone.pop("of"), gone.pop("listed"), places=[other], targets=TARGETS, **gone)


def fleet(writers: int = 4, **environ: str) -> Fleet:
    made = Fleet(TARGETS, writers, both(), **environ)
    if not environ:
        assert made.of("web") is not made.of("auth")
    return made


def groups_asked(world: World) -> set[str]:
    return {one["params"]["VServerGroupId"] for one in world.calls("DescribeVServerGroupAttribute")}


def test_an_event_is_done_by_the_writer_of_its_target_and_ignored_by_all_others() -> None:
    functions = fleet()
    outcomes = functions.deliver(scaled_in("i-web1"))
    of_web = next(number for number, one in functions.functions.items() if one is functions.of("web"))
    assert outcomes == {n: "applied" if n == of_web else "ignored" for n in outcomes}
    assert functions.first.servers() == ["i-web2", "i-web3"]
    assert groups_asked(functions.first) == {"rsp-web"}


def test_what_is_ignored_says_that_it_is_anothers_and_makes_no_call() -> None:
    functions = fleet()
    other = functions.of("auth")
    told = other.deliver(scaled_in("i-web1"))
    assert (told.outcome, told.reason, told.result["targets"]) == ("ignored", "other_share", [])
    assert [one["reason"] for one in other.logs("swap.ignored")] == ["other_share"]
    assert other.calls() == []
    assert other.deliver(scaled_in("i-x", "unknown")).reason == "not_our_scaling_group"


def test_the_timer_of_each_compares_its_own_targets() -> None:
    functions = fleet()
    for name in ("web", "auth"):
        functions.first.forget_calls()
        told = functions.of(name).deliver(timer())
        assert (told.outcome, [one["target"] for one in told.result["targets"]]) == ("applied", [name])
        assert groups_asked(functions.first) == {f"rsp-{name}"}
    idle = [
        one for one in functions.functions.values() if one not in (functions.of("web"), functions.of("auth"))
    ]
    assert [one.deliver(timer()).reason for one in idle] == ["other_share"] * 2


def test_a_timer_that_names_anothers_target_is_ignored() -> None:
    functions = fleet()
    told = functions.of("auth").deliver(timer("web"))
    assert (told.outcome, told.reason) == ("ignored", "other_share")
    assert functions.of("auth").deliver(timer("web", "auth")).outcome == "applied"


def test_an_event_that_names_no_scaling_group_concerns_the_own_targets_of_each() -> None:
    functions = fleet()
    functions.first.release("i-web1")
    outcomes = functions.deliver(deleted("i-web1"))
    assert sorted(outcomes.values()) == ["applied", "applied", "ignored", "ignored"]
    assert functions.first.servers() == ["i-web2", "i-web3"]


def test_off_targets_of_others_are_not_told_of() -> None:
    targets = [{**WEB, "mode": "off"}, AUTH]
    functions = Fleet(targets, 4, both())
    assert functions.of("web").deliver(timer()).reason == "target_off"
    assert functions.of("auth").deliver(timer()).reason is None
    assert functions.of("auth").deliver(scaled_in("i-web1")).reason == "other_share"


def test_a_hook_that_concerns_several_targets_is_completed_once_when_all_of_them_are_done() -> None:
    # Of two load balancers, but of one scaling group: one writer, or neither would know of the other's.
    second = {**AUTH, "scaling_group_ids": ["asg-web"]}
    leaving = "i-1=leaving i-2 i-3"
    world = World(
        "i-1 i-2", leaving, hooks=[hook("i-1")], places=[place("auth", "i-1 i-2")], targets=[WEB, second]
    )
    for writers in (2, 3, 4, 5):
        functions = Fleet([WEB, second], writers, world)
        assert functions.of("web") is functions.of("auth")
    outcomes = functions.deliver(hooked("ScaleIn", "i-1"))
    assert sorted(outcomes.values()) == ["applied", "ignored", "ignored", "ignored", "ignored"]
    assert world.hooks() == {"token-1": ("Completed", "CONTINUE")}
    made = [one["action"] for one in world.calls()]
    assert made.count("CompleteLifecycleAction") == 1
    assert made.index("CompleteLifecycleAction") > max(made.index(one) for one in made if one in WRITES)


REQUEST = json.dumps({"target": "web", "terminated": ["i-web1"], "launched": ["i-web3"]}).encode()


def handed_on(body: bytes, *, asynchronous: bool = False) -> bytes:
    """What the door invokes ``swap`` with."""
    headers = {**signed(body), **({"prefer": "respond-async"} if asynchronous else {})}
    return at_the_door(headers, body)[1]


def at_the_door(headers: Mapping[str, str], body: bytes, **environ: str) -> tuple[str, bytes]:
    """Give a request to the door; returns the function that it invokes, and with what."""
    told = settings.load(
        {
            "SWAP_TARGETS": json.dumps(TARGETS),
            "SWAP_WEBHOOK_SECRETS": SECRET,
            "SWAP_FUNCTION": "slb-swap-swap",
            **environ,
        }
    )
    seen: list[tuple[str, bytes]] = []

    class Recorder:
        def __init__(self, _: Any, __: Any, function: str, **___: Any) -> None:
            self._function = function

        def invoke(self, payload: bytes, **_: Any) -> Invoked:
            seen.append((self._function, payload))
            return Invoked(202, b"")

    keys = SimpleNamespace(access_key_id="a", access_key_secret="b", security_token="c")
    context = SimpleNamespace(request_id="r", region=REGION, account_id=ACCOUNT, credentials=keys)
    with (
        mock.patch.object(main, "_instance", main._Instance(told)),
        mock.patch.object(fc3, "Fc3", Recorder),
    ):
        webhook.webhook(
            json.dumps(http_event(body, {**headers, "prefer": "respond-async"})).encode(), context
        )
    (found,) = seen
    return found


@pytest.mark.parametrize(
    ("writers", "expected"),
    [
        ("", {"web": "slb-swap-swap", "auth": "slb-swap-swap"}),
        ("4", {"web": "slb-swap-swap-3", "auth": "slb-swap-swap-2"}),
    ],
)
def test_the_door_hands_a_request_to_the_writer_of_its_target(writers: str, expected: dict[str, str]) -> None:
    for name, function in expected.items():
        body = REQUEST.replace(b'"web"', json.dumps(name).encode())
        assert at_the_door(signed(body), body, SWAP_WRITERS=writers)[0] == function


def test_a_request_for_anothers_target_is_raised_since_nobody_else_has_it() -> None:
    # While settings are replaced, the door may have older ones than the function that it invokes.
    functions = fleet()
    wrong = functions.of("auth")
    told = wrong.request(REQUEST)
    assert (told.status, told.outcome, told.reason) == (503, "raised", "other_share")
    assert wrong.deliver(handed_on(REQUEST)).raised == "web: other_share"
    assert wrong.calls() == []
    assert functions.of("web").deliver(handed_on(REQUEST)).outcome == "applied"


# ---- while targets go from one writer to another: web from the first of two to the third of four


def between() -> Fleet:
    return fleet(4, SWAP_WRITERS_BEFORE="2")


def test_an_event_of_a_target_that_changes_its_writer_is_raised_until_it_has_one() -> None:
    event, functions = scaled_in("i-web1"), between()
    assert functions.deliver(event) == {1: "ignored", 2: "ignored", 3: "raised", 4: "ignored"}
    told = functions.of("web").deliver(event)
    assert (told.raised, told.of("web")["reason"]) == ("web: share_changes", "share_changes")
    assert functions.first.calls() == []
    after = Fleet(TARGETS, 4, functions.first)
    assert after.deliver(event) == {1: "ignored", 2: "ignored", 3: "applied", 4: "ignored"}


def test_its_timer_does_nothing_and_a_request_is_to_be_sent_again() -> None:
    functions = between()
    told = functions.of("web").deliver(timer())
    assert (told.outcome, told.reason, told.raised) == ("refused", "share_changes", "")  # an alarm tells
    told = functions.of("web").request(REQUEST)
    assert (told.status, told.reason, told.headers["Retry-After"]) == (503, "share_changes", "30")
    assert functions.first.calls() == []


def test_its_hook_is_left_waiting() -> None:
    world = both(of="i-1 i-2", listed="i-1=leaving i-2 i-3", hooks=[hook("i-1")])
    event = hooked("ScaleIn", "i-1")
    outcomes = Fleet(TARGETS, 4, world, SWAP_WRITERS_BEFORE="2").deliver(event)
    assert sorted(outcomes.values()) == ["ignored", "ignored", "ignored", "raised"]
    assert world.calls() == []
    assert "applied" in Fleet(TARGETS, 4, world).deliver(event).values()
    assert world.hooks() == {"token-1": ("Completed", "CONTINUE")}


def test_all_others_are_served_meanwhile() -> None:
    functions = between()
    told = functions.of("auth").deliver(timer())
    assert (told.outcome, [one["target"] for one in told.result["targets"]]) == ("applied", ["auth"])


def test_what_one_function_does_for_all_leaves_out_what_is_on_its_way() -> None:
    # One writer is left of two: its own go on, and those of the other rest until that one has ended.
    functions = Fleet(TARGETS, 1, both(), SWAP_WRITERS_BEFORE="2")
    told = functions.of("web").deliver(timer())
    assert (told.of("web")["outcome"], told.of("auth")["outcome"]) == ("applied", "refused")
    assert groups_asked(functions.first) == {"rsp-web"}


def test_a_writer_that_is_told_how_many_there_are_and_not_which_it_is_refuses_to_run() -> None:
    told = settings.load({"SWAP_TARGETS": json.dumps(TARGETS), "SWAP_WRITERS": "4"})
    function = both().beside()
    function._settings = told
    function.restart()
    with pytest.raises(settings.BadSettings, match="SWAP_SHARD: required for swap"):
        function.deliver(timer())


def test_a_request_that_waited_for_hours_is_judged_by_the_writer_of_now() -> None:
    payload, later = handed_on(REQUEST, asynchronous=True), time.time() + 3600
    with mock.patch.object(time, "time", lambda: later):
        assert fleet().of("web").deliver(payload).outcome == "applied"
