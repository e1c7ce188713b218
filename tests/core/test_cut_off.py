"""What a run that was cut off leaves behind, and what the next one makes of it."""

from __future__ import annotations

from msgspec.structs import replace

from handler.core.model.answers import Answer, Result
from handler.core.model.values import Cause
from handler.core.planning import desired
from tests.support.builders import (
    MARK,
    Play,
    event,
    group,
    named,
    policy,
    request,
    shown_group,
    shown_refused,
    view,
)

WAITS = MARK.replace("/", ".")


def launched(of: str, listed: str) -> list[str]:
    wish = desired.desired(event(), view(of, listed), policy(), group(of))
    return [one.server_id for one in wish.launched]


def test_a_new_one_that_waits_for_its_weight_is_launched_still() -> None:
    assert ["i-2"] == launched(f"i-1 i-2=0#{WAITS}", "i-1 i-2")


def test_one_at_weight_0_that_is_not_marked_so_is_left_alone() -> None:
    assert [] == launched(f"i-1=0 i-2=0#{MARK} i-3#{WAITS}", "i-1 i-2 i-3")


def test_one_that_waits_and_is_listed_nowhere_is_stale() -> None:
    of = f"i-1 i-2=0#{WAITS}"
    wish = desired.desired(event(), view(of, "i-1"), policy(), group(of))
    assert frozenset({"i-2"}) == wish.inferred


def test_a_surge_marks_what_it_adds_as_waiting_and_then_as_ours() -> None:
    play = Play(view("i-1", checked=True), request("i-1", "i-2", strategy="surge"))
    assert "add i-2=0" == play.next()
    assert [WAITS] == [b.description for k, b in play.view.group.backends.items() if k.server_id == "i-2"]
    assert ["weigh i-2=100", "remove i-1", "applied"] == play.to_end()
    assert [MARK] == [backend.description for backend in play.view.group.backends.values()]


def test_one_that_is_in_has_taken_the_place_of_one_that_is_out() -> None:
    # i-9 took the place of i-1 before; nobody is left for i-2.
    intent = replace(event("i-1 i-2", cause=Cause.INTERRUPTED), launched=named("i-9", Cause.FINISHED))
    play = Play(view("i-2 i-9", "i-1 i-2 i-9"), intent)
    assert "unchanged health_unchecked, waiting_for_replacement" == play.end
    assert "i-2:waiting_for_replacement" == shown_refused(play.decision.refused)  # type: ignore[union-attr]


def test_of_those_that_are_in_one_without_weight_has_not_taken_a_place_yet() -> None:
    play = Play(view(f"i-2 i-8=0#{WAITS} i-9", checked=True), request("i-1 i-2", "i-8 i-9", strategy="surge"))
    assert ["weigh i-8=100", "remove i-2", "applied not_in_group: i-1"] == play.to_end()


def test_what_comes_counts_for_the_floor_of_what_goes() -> None:
    # i-1 has no weight: with i-9 in its place two are in service, so i-2 may go.
    play = Play(view("i-1=0 i-2", checked=True), request("i-1 i-2", "i-9"))
    assert ["modify i-1=0>i-9", "remove i-2"] == play.to_end()[:2]


def test_a_launched_one_that_is_in_gets_its_weight_on_all_its_ports() -> None:
    # A second delivery, which no longer sees i-1, would give it to all of them.
    play = Play(view("i-1:80 i-2:80 i-2:81=0", checked=True), request("i-1", "i-2"))
    assert "weigh i-2:81=100" in play.to_end()


def test_whom_a_request_names_is_asked_for_by_id_where_the_listing_misses_it() -> None:
    of = group("i-1 i-2 i-3")
    asked = desired.doubtful(request("i-1 i-2", "i-9"), of, {}, policy(exclusive=True))
    assert ("i-1", "i-2") == asked


def test_what_the_floor_holds_back_names_the_limit_that_holds() -> None:
    # i-1 may have been drained by a run that was cut off: three began, so two must stay, and i-3 with i-9.
    play = Play(
        view("i-1=0 i-2 i-3", checked=True), request("i-1 i-2 i-3", "i-9"), policy(max_removed="100%")
    )
    assert ["modify i-1=0>i-9", "remove i-2", "partial max_unavailable"] == play.to_end()
    (held,) = play.decision.refused  # type: ignore[union-attr]
    assert ("i-3", "max_unavailable", {"in_service": 2, "removed": 1, "floor": 2}) == (
        held.subject,
        held.override,
        held.numbers,
    )


def test_one_without_weight_goes_for_the_old_one_though_another_new_one_is_in() -> None:
    # i-8 was added beside i-1, whose ports it has; i-9 replaces nobody, and has not got them.
    of = f"i-1:80=0 i-1:81=0 i-2:81 i-8:80=0#{WAITS} i-8:81=0#{WAITS} i-9:81"
    play = Play(view(of, checked=True), request("i-1", "i-8 i-9", strategy="surge"))
    assert "applied weight_0_not_handed_on" == play.to_end()[-1]
    assert "i-2:81 i-8:80 i-8:81 i-9:81" == shown_group(play.view.group)


def test_of_those_that_are_in_a_proven_one_has_taken_the_place_of_the_one_that_is_out() -> None:
    # i-1 was retired for i-9; i-8 is sick, and i-2 is not to go for it.
    for wish in (request("i-1 i-2", "i-8 i-9", strategy="surge"), request("i-1 i-2", "i-9 i-8")):
        play = Play(view("i-2 i-8 i-9", abnormal="i-8"), wish, policy(health_timeout_s=2))
        assert ["wait 2 health", "raised not_healthy"] == play.to_end()


def test_of_two_that_are_in_the_proven_one_goes_for_the_one_that_is_left() -> None:
    play = Play(view("i-1 i-8 i-9", abnormal="i-8"), request("i-1", "i-8 i-9"), policy(health_timeout_s=2))
    assert ["remove i-1", "wait 2 health", "raised not_healthy"] == play.to_end()


def test_one_that_was_put_beside_an_old_one_goes_for_it_before_one_that_is_still_to_come() -> None:
    # A run was cut off once i-8 was in: i-9 is one too many, and no port is usual.
    for of, steps in (
        (f"i-1:80 i-2:81 i-8:80=0#{WAITS}", ["weigh i-8:80=100", "remove i-1:80"]),
        ("i-1:80 i-2:81 i-8:80", ["remove i-1:80"]),
    ):
        play = Play(view(of, checked=True), request("i-1", "i-8 i-9", strategy="surge"))
        assert [*steps, "partial no_ports"] == play.to_end()


def test_of_an_event_one_that_is_in_may_have_taken_the_place_of_one_that_nobody_remembers() -> None:
    # i-8 took the place of a stale one. That i-9 is refused does not make it a replacement for i-2 as well.
    how, bad = policy(exclusive=True, strategy="surge"), Answer(Result.BAD_BACKEND, "ObtainIpFail")
    play = Play(view("i-2 i-8", "i-8 i-9", checked=True), event("", "i-8 i-9"), how)
    assert "add i-9=0" == play.next(answer=bad)
    play.view = replace(play.view, now=play.view.now + 60)
    assert ("add i-9=0", "refused bad_backend") == (play.next(answer=bad), play.to_end()[-1])
    assert "i-2 i-8" == shown_group(play.view.group)
