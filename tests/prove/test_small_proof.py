"""The proof within bounds that take seconds, and that its parts do what the proof relies on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.prove import prove
from tests.prove.choices import ELSEWHERE, FAULT, READING, Choices, Readings, of_shorthand, shorthand, walk
from tests.prove.worlds import SHAPES, beginnings, groups, of_text


def test_no_small_world_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    code = prove.main(["--bounds", "small", "--jobs", "1"])
    said = capsys.readouterr().out.splitlines()
    assert (0, " worlds, 0 violations") == (code, said[-1].lstrip("0123456789")), said


@pytest.mark.parametrize(("name", "file"), ELSEWHERE.items())
def test_a_reading_that_these_worlds_do_not_have_is_played_elsewhere(name: str, file: str) -> None:
    assert name in Path(file).read_text()


def test_a_replay_tells_every_call_and_every_instant(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == prove.main(["--replay", "rwc/1-t/n|"])
    said = capsys.readouterr().out
    assert "AddVServerGroupBackendServers" in said
    assert "i-0t:80=100, i-n0n:80=100" in said
    assert said.endswith("no violation\n")


def test_a_world_is_written_as_it_is_read() -> None:
    for beginning in beginnings("rgetx", 1, SHAPES, most=2, circumstances="cw"):
        assert beginning == of_text(str(beginning))
    assert {3: 1, 10: 2} == of_shorthand(shorthand({10: 2, 3: 1}))


def test_servers_and_ports_are_interchangeable() -> None:
    found = list(groups("r", 2, SHAPES, "st"))
    assert len(found) == len({frozenset([tuple(sorted(one)), _mirrored(one)]) for one in found})


def _mirrored(servers: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(server[1] + server[0] + server[2] for server in servers))


def test_the_walk_meets_every_choice_that_can_be_afforded() -> None:
    def play(choices: Choices) -> tuple[object, ...]:
        readings = Readings(choices)
        first = readings["modify_atomic"]
        return (
            first,
            choices.fault("a call", ("", "lost")),
            readings["bad_new"] if first else readings["modify_atomic"],
        )

    def met(*budget: tuple[int, int]) -> set[object]:
        return {visited.result for visited in walk(play, budget, repr)}

    assert {(False, "", False)} == met((0, 0))
    assert 3 == len(met((1, 0), (0, 1)))
    assert 6 == len(met((2, 1)))


def test_a_reading_counts_only_where_it_changes_what_happens() -> None:
    def play(choices: Choices) -> object:
        return choices.pick(READING, "kept", (1, 1)), choices.pick(FAULT, "a call", ("", "lost"))

    changed = [visited.changed for visited in walk(play, [(1, 0)], repr)]
    assert [None, ("kept", False)] == changed
