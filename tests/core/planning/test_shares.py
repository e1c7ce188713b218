"""Shares: each VServer group has one writer, whatever the settings; few change it, and none is ever two's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.model.marks import Marks
from handler.core.model.policy import Policy, Target
from handler.core.planning.shares import moved, shares


def target(group: str, *scaling: str, balancer: str | None = None, name: str = "") -> Target:
    name = name or group
    return Target(name, f"rsp-{group}", scaling, "apply", Policy(Marks(name)), balancer)


#: Few names, so that targets have much in common.
TARGETS = st.lists(
    st.builds(
        lambda group, scaling, balancer, name: target(group, *scaling, balancer=balancer, name=name),
        st.sampled_from("abcdefgh"),
        st.lists(st.sampled_from([f"asg-{n}" for n in range(6)]), max_size=2, unique=True),
        st.none() | st.sampled_from([f"lb-{n}" for n in range(6)]),
        st.sampled_from(("x", "y", "z")),
    ),
    max_size=8,
)
WRITERS = st.integers(1, 6)

#: A change of these numbers would move targets of those who deployed before.
FIRST_EIGHT = [2, 3, 2, 2, 2, 2, 3, 2]


def have_in_common(one: Target, other: Target) -> bool:
    return bool(
        one.vserver_group_id == other.vserver_group_id
        or set(one.scaling_group_ids) & set(other.scaling_group_ids)
        or (one.load_balancer_id and one.load_balancer_id == other.load_balancer_id)
    )


def fleet(count: int = 1000) -> list[Target]:
    return [target(f"{n}", f"asg-{n}", balancer=f"lb-{n}") for n in range(count)]


@given(TARGETS, WRITERS)
def test_every_group_has_a_writer_there_is(targets: list[Target], writers: int) -> None:
    found = shares(targets, writers)
    assert found.keys() == {one.vserver_group_id for one in targets}
    assert set(found.values()) <= set(range(1, writers + 1))


@given(TARGETS, WRITERS)
def test_targets_with_a_group_a_scaling_group_or_a_load_balancer_in_common_have_one_writer(
    targets: list[Target], writers: int
) -> None:
    found = shares(targets, writers)
    for one, other in combinations(targets, 2):
        if have_in_common(one, other):
            assert found[one.vserver_group_id] == found[other.vserver_group_id]


@given(TARGETS, WRITERS, st.randoms(use_true_random=False))
def test_the_order_of_the_targets_does_not_matter(targets: list[Target], writers: int, by: object) -> None:
    mixed = list(targets)
    by.shuffle(mixed)  # type: ignore[attr-defined]
    assert shares(mixed, writers) == shares(targets, writers)


@given(TARGETS, WRITERS)
def test_of_one_writer_more_some_are_the_new_ones_and_all_others_stay(
    targets: list[Target], writers: int
) -> None:
    before, now = shares(targets, writers), shares(targets, writers + 1)
    assert {now[group] for group in now if now[group] != before[group]} <= {writers + 1}


def test_no_more_change_their_writer_than_the_new_one_takes_and_shares_are_of_a_size() -> None:
    for writers in range(1, 16):
        now = Counter(shares(fleet(), writers + 1).values())
        assert len(moved(fleet(), writers, fleet(), writers + 1)) == now[writers + 1]
        assert all(0.6 < size * (writers + 1) / 1000 < 1.5 for size in now.values())


def test_the_writer_is_the_same_in_every_process_and_version() -> None:
    assert [shares([target("web", balancer=f"lb-{n}")], 4)["rsp-web"] for n in range(8)] == FIRST_EIGHT


def test_what_is_known_by_its_load_balancer_stays_when_targets_are_added_to_it() -> None:
    one = [target("m", "asg-m", balancer="lb-m")]
    more = [*one, target("a", "asg-a", balancer="lb-m"), target("z", "asg-m"), target("z", "asg-1")]
    for writers in range(2, 16):
        assert set(shares(more, writers).values()) == {shares(one, writers)["rsp-m"]}
        assert moved(one, writers, more, writers) == frozenset()


@pytest.mark.parametrize("scaling", ["asg-m", "z-of-old"])  # older ones have no asg-
def test_what_is_known_by_its_scaling_group_stays_when_targets_are_added_to_it(scaling: str) -> None:
    one = [target("m", scaling)]
    for writers in range(2, 16):
        assert moved(one, writers, [*one, target("a", scaling)], writers) == frozenset()


@pytest.mark.parametrize("other", [f"asg-b{n}" for n in range(20)])
def test_a_target_that_joins_two_others_moves_both_with_it_if_they_had_two_writers(other: str) -> None:
    parts = [target("a", "asg-a"), target("b", other), target("c", "asg-c")]
    joined = [*parts, target("d", "asg-a", other)]
    had = shares(parts, 3)
    moving = {"rsp-a", "rsp-b", "rsp-d"} if had["rsp-a"] != had["rsp-b"] else set()
    assert moved(parts, 3, joined, 3) == moving


def test_a_long_chain_of_things_in_common_is_one_share() -> None:
    chain = [target(f"{n}", f"asg-{n}", f"asg-{n + 1}") for n in range(5000)]
    assert len(set(shares([*chain[::2], *chain[1::2]], 16).values())) == 1


# ---- the way from one writer to another: settings of before, of between, and of now, function by function


def written(targets: Sequence[Target], writers: int, resting: frozenset[str], writer: int) -> set[str]:
    """The groups that one function writes to."""
    found = shares(targets, writers)
    return {group for group, one in found.items() if one == writer and group not in resting}


@given(TARGETS, WRITERS, TARGETS, WRITERS)
def test_settings_of_before_and_between_or_between_and_now_never_have_two_writers_of_one_group(
    before: list[Target], writers_before: int, now: list[Target], writers: int
) -> None:
    resting = moved(before, writers_before, now, writers)
    functions = range(1, max(writers_before, writers) + 1)
    of_before = {k: written(before, writers_before, frozenset(), k) for k in functions}
    between = {k: written(now, writers, resting, k) for k in functions}
    of_now = {k: written(now, writers, frozenset(), k) for k in functions}
    for one in functions:
        for other in functions:
            if one != other:
                assert of_before[one].isdisjoint(between[other])
                assert between[one].isdisjoint(of_now[other])


@given(TARGETS, WRITERS)
def test_nothing_rests_where_nothing_changes(targets: list[Target], writers: int) -> None:
    assert moved(targets, writers, targets, writers) == frozenset()


@pytest.mark.parametrize("writers", [1, 2, 16])
def test_no_targets_have_no_writers(writers: int) -> None:
    assert shares([], writers) == {}
