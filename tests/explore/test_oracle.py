"""Each rule of the oracle, asked of a function that was made by hand to break it, and of one that was not."""

from __future__ import annotations

from typing import Any

import pytest

from handler.core.model.observed import Observed
from handler.running import observer
from tests.explore.hand_made import Hands, add, judged, played, remove, swap, weigh
from tests.explore.oracle.excuses import EXCUSES, Excuses
from tests.explore.oracle.facts import share
from tests.explore.oracle.judging import violations
from tests.explore.oracle.served import Served
from tests.explore.playing import play
from tests.explore.worlds import of_text

ALONE = "target web; in web i-0 80=100"
THREE = (
    "target web asg=a; in web i-0 80=100; in web i-1 80=100; in web i-2 80=100;"
    "lists a i-0; lists a i-1; lists a i-2"
)
ENI = "target web un=1; " + "; ".join(f"in web eni-0@10.0.0.{n} 80=100" for n in (1, 2, 3))
HOOKED_IN = f"{THREE}; ~ leave a i-0 Removing:Wait; > hookin a i-0"
HOOKED_OUT = f"{THREE}; ~ launch a i-n0 Pending:Wait; > hookout a i-n0"


def nothing(hands: Hands, attempt: int) -> None:
    hands.read()


def once(*steps: Any, name: str = "web") -> Any:
    def act(hands: Hands, attempt: int) -> None:
        hands.read(name)
        for step in steps if attempt == 0 else ():
            hands.write(step, name)
        hands.read(name)

    return act


def test_who_serves_is_what_any_listener_would_use_at_any_address(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "target web; listener web https:443; in web i-0 80=100; in web i-1 80=0; in web i-2 80=30;"
        "in web eni-0@10.0.0.1 80=100; in web eni-0@10.0.0.2 80=100; server i-0 443=abnormal;"
        "server i-2 abnormal; > request web l:i-9"
    )
    world = played(monkeypatch, text, nothing)
    served = Served(world)
    assert {("i-0", None), ("eni-0", "10.0.0.1"), ("eni-0", "10.0.0.2")} == served.serving(0)
    assert {"http:80"} == served.on(0)["i-0", None]
    assert {"http:80", "https:443"} == served.on(0)["eni-0", "10.0.0.1"] == served.checking("rsp-web")
    assert {"i-0", "i-2"} == served.sick(0)


def test_a_new_one_serves_once_its_check_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "target web; in web i-0 80=100; server i-n0; read fresh_health=2; > request web l:i-n0"
    world = played(monkeypatch, text, once(add("i-n0")))
    served = Served(world)
    assert {("i-0", None)} == served.serving(len(served.history) - 1)


def test_a_server_at_weight_0_is_not_to_serve_whatever_the_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "target web; listener web http:80 rr; in web i-0 80=0; in web i-1 80=30; > request web t:i-0"
    world = played(monkeypatch, text, once(remove("i-0=0")))
    assert {("i-1", None)} == Served(world).serving(0)
    assert {("i-0", None), ("i-1", None)} - Served(world).under_rr(0) == {("i-1", None)}
    assert not violations(world)
    assert world.excused["weight_0_under_rr"]


#: The rule, a world, and what a function does in it that breaks the rule.
BROKEN: list[tuple[str, str, Any]] = [
    ("floor", f"{THREE}; ~ leave a i-0; ~ leave a i-1; > timer", once(remove("i-0", "i-1"))),
    (
        "floor",
        f"{THREE}; ~ leave a i-0; ~ leave a i-1; > timer",
        once(weigh(("i-0", "i-0=0"), ("i-1", "i-1=0"))),
    ),
    (
        "floor",
        f"{ENI}; > request web t:eni-0@10.0.0.1 t:eni-0@10.0.0.2",
        once(remove("eni-0@10.0.0.1", "eni-0@10.0.0.2")),
    ),
    (
        "retired before a new one passed",
        "target web strategy=surge un=50%; in web i-0 80=100; in web i-1 80=100; server i-n0 abnormal;"
        "> request web p:i-0/i-n0",
        once(swap(("i-0", "i-n0"))),
    ),
    (
        "about to be reclaimed, and put in",
        f"{THREE}; server i-n0 doomed; lists a i-n0; > timer",
        once(add("i-n0")),
    ),
    (
        "not running, and named in a write",
        f"{THREE}; server i-n0 stopped; lists a i-n0; > timer",
        once(add("i-n0")),
    ),
    ("not running, and named in a write", f"{THREE}; > request web l:i-n0", once(add("i-n0"))),
    ("taken out, and nobody said so", f"{THREE}; > timer", once(remove("i-0"))),
    ("put in, and nobody said so", f"{THREE}; server i-x9; > timer", once(add("i-x9"))),
    (
        "changed, and nobody said so",
        f"{THREE}; > request web l:i-1:weight=30",
        once(weigh(("i-0", "i-0=30"))),
    ),
    (
        "a write to a target in mode plan, or to a dry run",
        "target web asg=a mode=plan; in web i-0 80=100; lists a i-n0; > timer",
        once(add("i-n0")),
    ),
    ("left at weight 0 by us", f"{ALONE}; > request web t:i-0", once(weigh(("i-0", "i-0=0")))),
    (
        "not as it was",
        "target web; in web i-0 80=30; > request web t:i-0",
        once(weigh(("i-0=30", "i-0=0")), weigh(("i-0=0", "i-0=100"))),
    ),
    (
        "not as the one it replaced",
        "target web; in web i-0 80=30; in web i-1 80=100; server i-n0; > request web p:i-0/i-n0",
        once(swap(("i-0=30", "i-n0=100#slb-swap/web"))),
    ),
    (
        "not as the one it replaced",
        "target web; in web i-0 80=30 81=100; in web i-1 80=50 81=50; server i-n0; > request web p:i-0/i-n0",
        once(swap(("i-0:80", "i-n0:80=100#slb-swap/web"), ("i-0:81", "i-n0:81=30#slb-swap/web"))),
    ),
    (
        "a new one with a description of nobody",
        f"{ALONE}; server i-n0; > request web l:i-n0",
        once(add("i-n0#slb-swap.web")),
    ),
    (
        "a write after the deadline",
        f"{THREE}; time 16; ~ leave a i-0; > timer",
        lambda hands, attempt: attempt or (hands.read(), hands.wait(17), hands.write(remove("i-0"))),
    ),
    (
        "a scale-in hook told CONTINUE while ['web'] has its instances",
        HOOKED_IN,
        lambda hands, attempt: (hands.read(), hands.complete("CONTINUE")),
    ),
    (
        "a scale-in hook told CONTINUE while ['api'] has its instances",
        f"target api asg=a mode=off; in api i-0 90=100; {HOOKED_IN}",
        lambda hands, attempt: (hands.read(), hands.write(remove("i-0")), hands.complete("CONTINUE")),
    ),
    (
        "a scale-out hook abandoned for what is not its instances' fault",
        HOOKED_OUT,
        lambda hands, attempt: hands.complete("ABANDON"),
    ),
    (
        "a scale-out hook continued while no target has its instances in service",
        HOOKED_OUT,
        lambda hands, attempt: hands.complete("CONTINUE"),
    ),
    ("a scale-in hook left to wait though its instances are out", HOOKED_IN, once(remove("i-0"))),
    (
        "failed, and left in though its old one may return",
        "target web un=50%; in web i-0 80=100; in web i-1 80=100; server i-n0 abnormal;"
        "> request web p:i-0/i-n0",
        lambda hands, attempt: (
            attempt or (hands.write(swap(("i-0", "i-n0"))), hands.wait(13), hands.slb.health(hands.read()))
        ),
    ),
    (
        "a repeated delivery writes",
        f"{ALONE}; in web i-1 80=100; > request web l:i-0:weight=30",
        lambda hands, attempt: hands.write(weigh(("i-0", f"i-0={30 + attempt}"))),
    ),
]


@pytest.mark.parametrize(("rule", "text", "acts"), BROKEN)
def test_what_a_rule_forbids_is_found(
    monkeypatch: pytest.MonkeyPatch, rule: str, text: str, acts: Any
) -> None:
    assert rule in judged(monkeypatch, text, acts)


def test_what_is_allowed_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = once(swap(("i-0=30", "i-n0=30#slb-swap/web")))
    text = "target web un=1 min=0; in web i-0 80=30; in web i-1 80=100; server i-n0; > request web p:i-0/i-n0"
    assert [] == judged(monkeypatch, text, steps)


def test_a_run_that_goes_on_and_on_is_cut_off_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def act(hands: Hands, attempt: int) -> None:
        while True:
            hands.write(swap(("i-0", "i-n0")))

    found = judged(
        monkeypatch, "target web; in web i-0 80=100; server i-n0; room 0; > request web p:i-0/i-n0", act
    )
    assert {
        "endless",
        "too many writes",
        "too many writes at one moment",
        "sent again without a wait and a look",
    } <= {*found}


def test_a_blind_write_after_a_lost_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def act(hands: Hands, attempt: int) -> None:
        group = hands.read()
        hands.slb.do(group, add("i-n0"))
        hands.slb.do(group, add("i-n1"))

    text = f"{ALONE}; server i-n0; server i-n1; fault 0 write 0 lost; > request web l:i-n0 l:i-n1"
    assert "sent blindly, after an answer that was lost" in judged(monkeypatch, text, act)


def test_what_others_do_is_not_laid_at_our_door(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"{THREE}; ~ foreign web out i-0; ~+2 is i-1 abnormal; ~+3 foreign web weight i-2 0; > inerr a"
    found = judged(monkeypatch, text, lambda hands, attempt: (hands.read(), hands.wait(5)))
    assert [] == found


@pytest.mark.parametrize(
    ("limit", "of", "expected"), [("25%", 8, 2), ("25%", 3, 1), ("0%", 8, 0), (3, 8, 3), (0, 8, 0)]
)
def test_a_share_rounds_down_but_not_below_one(limit: int | str, of: int, expected: int) -> None:
    assert expected == share(limit, of)


def test_only_excuses_that_are_known_can_be_used() -> None:
    excuses = Excuses()
    assert not excuses.allow("forced", condition=False)
    assert excuses.allow("forced")
    assert {"forced": 1} == excuses
    with pytest.raises(AssertionError):
        excuses.allow("it was late")


def test_every_excuse_is_documented_with_its_reason(project_root: Any = None) -> None:
    from pathlib import Path

    said = Path(__file__).parents[2].joinpath("docs", "proof.md").read_text(encoding="utf-8")
    assert [] == [name for name in EXCUSES if f"`{name}`" not in said]


def found_in(text: str) -> str:
    return " ".join(violations(play(of_text(text))))


def test_a_reclaimed_server_that_a_long_run_had_to_see_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    olds = "; ".join(f"in web i-{n} 80=100 mark; server i-n{n}" for n in range(6))
    pairs = " ".join(f"p:i-{n}/i-n{n}" for n in range(6))
    text = f"target web asg=a un=1; {olds}; read fresh_health=2; ~+1 is i-n5 doomed; > request web {pairs}"
    assert "about to be reclaimed" not in found_in(text)
    monkeypatch.setattr(observer, "ANSWERS_S", 1e9)
    assert "about to be reclaimed" in found_in(text)


def test_a_hook_that_is_continued_for_a_stopped_instance_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "target web asg=a min=0 un=100%; listener web http:80 unchecked; in web i-0 80=100; "
        "lists a i-0; in web i-1 80=100 mark; ~ launch a i-1 Pending:Wait; ~ is i-1 stopped; > hookout a i-1"
    )
    assert "scale-out hook continued" not in found_in(text)
    monkeypatch.setattr(Observed, "is_proven", Observed.is_normal)
    assert "scale-out hook continued" in found_in(text)
