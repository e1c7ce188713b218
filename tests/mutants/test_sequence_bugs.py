"""The explorer is proven: it finds every bug that is seeded for it, and nothing where there is none."""

from __future__ import annotations

import pytest

from tests.explore.oracle.judging import violations
from tests.explore.playing import play
from tests.explore.shrinking import broken, rule, shrink
from tests.explore.worlds import of_text
from tests.mutants.bugs import BUGS as ONE_DELIVERY
from tests.mutants.bugs import seeded
from tests.mutants.sequences import BUGS, Sequenced


@pytest.mark.parametrize("one", BUGS, ids=str)
def test_every_bug_is_caught_by_its_rule(one: Sequenced) -> None:
    with seeded(one.bug):
        found = violations(play(of_text(one.bug.world)))
    assert one.rule in {rule(said) for said in found}, found


@pytest.mark.parametrize("one", BUGS, ids=str)
def test_without_the_bug_nothing_is_found(one: Sequenced) -> None:
    assert [] == violations(play(of_text(one.bug.world)))


def test_a_seeded_bug_is_made_as_small_as_can_be() -> None:
    one = next(one for one in BUGS if one.bug.name == "weights swapped between ports")
    big = of_text(f"{one.bug.world}; server i-n1; room 5; in web i-9 80=100 81=100; time 90")
    with seeded(one.bug):
        small = shrink(big, one.rule)
        assert one.rule in broken(small)
    assert len(small.clauses) <= 5
    assert one.rule not in broken(small)


def test_there_are_enough_of_them() -> None:
    assert 40 <= len({bug.name for bug in ONE_DELIVERY} | {one.bug.name for one in BUGS})
