"""The prover is proven: it finds every seeded bug, and nothing where there is none."""

from __future__ import annotations

import pytest

from tests.mutants.bugs import BUGS, Bug, seeded
from tests.prove.choices import walk
from tests.prove.oracle import violations
from tests.prove.playing import fingerprint, play
from tests.prove.worlds import of_text


def caught(bug: Bug) -> str | None:
    """Return the first violation that is found where the bug is met."""
    beginning = of_text(bug.world)
    budget = [(bug.readings, bug.faults)]
    for visited in walk(lambda choices: play(beginning, choices), budget, fingerprint):
        for found in violations(visited.result):
            return found
    return None


@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_every_bug_is_caught(bug: Bug) -> None:
    with seeded(bug):
        assert caught(bug) is not None


@pytest.mark.parametrize("bug", [bug for bug in BUGS if not bug.readings or not bug.faults], ids=str)
def test_without_the_bug_nothing_is_found(bug: Bug) -> None:
    assert caught(bug) is None


def test_there_are_enough_of_them() -> None:
    assert 20 <= len({bug.name for bug in BUGS})
