"""Surge: the new ones are in and normal before an old one is touched."""

from __future__ import annotations

from msgspec.structs import replace

from handler.core.deciding.writes import Isolation
from handler.core.model.answers import Answer, Result
from handler.core.model.values import Verdict
from tests.support.builders import Play, policy, request, shown_group, shown_refused, view

SURGE = policy(strategy="surge", health_timeout_s=20)
OVER = Answer(Result.OVER_QUOTA, "InstanceBackendServerNumberOverLimit")


def test_the_new_one_comes_at_weight_0_then_weighs_then_the_old_one_goes() -> None:
    play = Play(view("i-1=50 i-2", checked=True), request("i-1", "i-3"), SURGE)
    assert ["add i-3=0", "weigh i-3=50", "remove i-1=50", "applied"] == play.to_end()
    assert "i-2 i-3=50" == shown_group(play.view.group)


def test_the_old_one_is_not_touched_before_the_new_one_is_normal() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3"), SURGE)
    assert ["add i-3=0", "wait 2 health", "wait 2 health"] == [play.next(Verdict.PENDING) for _ in range(3)]


def test_one_that_is_not_checked_at_weight_0_gets_its_weight_at_half_the_time() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3"), SURGE)
    said = [play.next(Verdict.PENDING) for _ in range(8)]
    assert ["add i-3=0", *["wait 2 health"] * 5, "weigh i-3=100", "wait 2 health"] == said


def test_so_does_one_that_is_normal_on_another_port() -> None:
    looked = view("i-1:80 i-1:81 i-2:80 i-3:80 i-3:81=0", pending="i-3:81")
    play = Play(looked, request("i-1", "i-3"), SURGE)
    said = [play.next() for _ in range(6)]
    assert [*["wait 2 health"] * 5, "weigh i-3:81=100"] == said


def test_what_waits_for_its_weight_is_marked_so_and_then_described_as_it_is_to_be() -> None:
    play = Play(view("i-1#blue", checked=True), request("i-1", "i-9"))
    play.next()
    assert ["blue", policy().marks.waiting] == [b.description for b in play.view.group.backends.values()]
    play.next()
    assert ["blue", "blue"] == [b.description for b in play.view.group.backends.values()]


def test_one_that_is_to_have_no_description_never_gets_one() -> None:
    play = Play(view("i-1#blue", checked=True), request("i-1", "i-9#"))
    play.next()
    assert ["blue", ""] == [b.description for b in play.view.group.backends.values()]


def test_an_abnormal_new_one_gets_no_weight_beside_the_old_one() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3"), SURGE)
    assert "weigh i-3=100" not in play.to_end(Verdict.ABNORMAL)


def test_a_group_of_one_is_surged_whatever_the_strategy() -> None:
    play = Play(view("i-1", checked=True), request("i-1", "i-3"))
    assert ["add i-3=0", "weigh i-3=100", "remove i-1", "applied"] == play.to_end()


def test_what_is_gone_is_replaced_at_once_all_the_same() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3", gone=True), SURGE)
    assert ["modify i-1>i-3", "applied"] == play.to_end()


def test_without_the_quota_for_it_the_pairs_are_swapped_in_place() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3"), SURGE)
    play.next(answer=OVER)
    assert ["modify i-1>i-3", "applied"] == play.to_end()


def test_without_quota_and_with_none_to_spare_it_is_refused() -> None:
    play = Play(view("i-1", checked=True), request("i-1", "i-3"), SURGE)
    play.next(answer=OVER)
    assert "refused over_quota" == play.end
    assert "i-3:over_quota" == shown_refused(play.decision.refused)


def test_weights_of_0_that_a_request_asks_for_are_given_all_or_none() -> None:
    how = policy(max_unavailable=2, max_removed="100%")
    wish = request("", "i-1:8080=0 i-2:8080=0 i-3:8080=0")
    assert ["refused max_unavailable"] == Play(view("i-1 i-2 i-3 i-4"), wish, how).to_end()
    play = Play(view("i-1 i-2 i-3 i-4"), request("", "i-1:8080=0 i-2:8080=0"), how)
    assert ["weigh i-1=0 i-2=0", "applied health_unchecked"] == play.to_end()


def test_to_lower_a_port_of_a_server_that_goes_on_serving_costs_nothing() -> None:
    play = Play(view("i-1:80 i-1:81"), request("", "i-1:80=0"))
    assert ["weigh i-1:80=0", "applied health_unchecked"] == play.to_end()


def test_what_comes_at_weight_0_replaces_nothing_and_is_refused_before_the_first_write_unless_forced() -> (
    None
):
    wish = request("i-1", "i-9=0", force="max_unavailable min_backends")
    play = Play(view("i-1 i-2", checked=True), wish, policy(max_unavailable=0))
    assert ["add i-9=0", "remove i-1", "applied"] == play.to_end()
    play = Play(view("i-1 i-2", checked=True), replace(wish, force=frozenset()), policy(max_unavailable=0))
    assert ["refused max_unavailable"] == play.to_end()


def test_one_that_is_to_have_no_weight_is_described_at_once() -> None:
    play = Play(view("i-1#blue i-2", checked=True), request("i-1", "i-9=0", strategy="surge"))
    play.next()
    assert ["blue", "", "blue"] == [b.description for b in play.view.group.backends.values()]


def test_weighing_changes_the_weight_alone() -> None:
    play = Play(view("i-1 i-2=0#by-hand"), request("", "i-2"))
    assert "weigh i-2=100" == play.next()
    assert ["", "by-hand"] == [b.description for b in play.view.group.backends.values()]


def test_a_backend_of_another_hand_does_not_get_our_mark_by_being_weighed() -> None:
    play = Play(view("i-1 i-2=0"), request("", "i-2"))
    play.next()
    assert ["", ""] == [b.description for b in play.view.group.backends.values()]


def test_a_port_that_the_old_one_lacks_is_added_at_once() -> None:
    play = Play(
        view("i-1:80 i-2:80", checked=True), request("i-1", "i-3:80 i-3:81"), policy(max_unavailable=1)
    )
    assert ["add i-3:81", "modify i-1:80>i-3:80", "applied"] == play.to_end()


def test_a_port_that_the_new_one_lacks_is_removed_once_it_is_normal() -> None:
    play = Play(
        view("i-1:80 i-1:81 i-2:80", checked=True), request("i-1", "i-3:80"), policy(max_unavailable=1)
    )
    assert ["modify i-1:80>i-3:80", "remove i-1:81", "applied"] == play.to_end()


def test_removals_with_replacements_keep_the_floor() -> None:
    how = policy(strategy="surge", max_unavailable=0, min_backends=4)
    play = Play(view("i-1 i-2 i-3 i-4", checked=True), request("i-1 i-2", "i-5 i-6"), how)
    assert ["add i-5=0 i-6=0", "weigh i-5=100 i-6=100", "remove i-1 i-2", "applied"] == play.to_end()


def test_what_drains_makes_room_so_nothing_is_surged_meanwhile() -> None:
    how = policy(max_unavailable=1, drain_s=9)
    play = Play(view("i-1 i-2 i-3", checked=True), request("i-1 i-2", "i-8 i-9"), how)
    assert ["weigh i-1=0", "wait 9 drain", "modify i-1=0>i-8", "weigh i-2=0"] == [
        play.next() for _ in range(4)
    ]


def test_while_a_bad_one_is_looked_for_none_is_added_beside_but_what_is_left_is_not_held_up() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-9"), SURGE)
    play.state = replace(play.state, isolation=Isolation(("i-gone",), float("-inf")))
    assert ["add i-9=0", "weigh i-9=100", "remove i-1", "applied"] == play.to_end()


def test_an_old_one_that_serves_nobody_is_surged_too_but_in_place_without_the_quota_for_it() -> None:
    play = Play(view("i-1=0 i-2", checked=True), request("i-1", "i-9"), replace(SURGE, max_unavailable=0))
    assert "add i-9=0" == play.next(answer=OVER)
    assert ["modify i-1=0>i-9", "applied weight_0_not_handed_on"] == play.to_end()


def test_without_any_quota_force_does_not_make_a_replacement_a_removal() -> None:
    wish = request("i-1", "i-9", force="min_backends max_unavailable")
    play = Play(view("i-1", checked=True), wish, SURGE)
    assert ("add i-9=0", "refused over_quota") == (play.next(answer=OVER), play.end)
