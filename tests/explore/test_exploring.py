"""That worlds are written as they are read, go the same way twice, and are made smaller when they fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from tests.explore import dimensions, explore
from tests.explore.drawing import draw
from tests.explore.explore import Tally
from tests.explore.oracle.judging import violations
from tests.explore.playing import fingerprint, play
from tests.explore.sequences import BOUNDS, reached, work
from tests.explore.shrinking import rule, shrink
from tests.explore.worlds import World, of_text
from tests.mutants.bugs import seeded
from tests.mutants.sequences import BUGS

DRAWN = 60


def test_a_world_is_written_as_it_is_read() -> None:
    for number in range(DRAWN):
        world = draw(Random(number))
        assert world == of_text(str(world))


def test_a_world_goes_the_same_way_twice() -> None:
    for number in range(DRAWN):
        world = draw(Random(number))
        assert fingerprint(play(world)) == fingerprint(play(of_text(str(world))))
        assert draw(Random(number)) == world


def test_a_failing_world_is_made_as_small_as_can_be() -> None:
    def breaks(world: World) -> set[str]:
        words = " ".join(world.clauses)
        return {"bad"} if "drain=3" in words and "> timer" in words else set()

    big = of_text(
        "target web asg=a un=50% drain=3 min=2; in web i-0 80=100; lists a i-0; room 1; > timer; > inerr a"
    )
    assert "target web drain=3; > timer" == str(shrink(big, "bad", breaks))


def test_shrinking_stops_after_so_many_worlds() -> None:
    big = of_text("target web drain=3; room 1; > timer")
    assert big == shrink(big, "bad", lambda world: {"bad"}, most=0)


def test_a_clause_that_says_nothing_is_refused() -> None:
    with pytest.raises(KeyError):
        play(of_text("target web; nonsense 1; > timer"))
    with pytest.raises(ValueError, match="SWAP_TARGETS"):
        play(of_text("> timer"))


def test_a_message_comes_again_until_it_is_done_or_given_up() -> None:
    text = "target web; in web i-0 80=100; server i-n0; {}; > request web t:i-0 l:i-n0; > timer"
    killed = "; ".join(f"fault {attempt} read 0 kill" for attempt in range(5))
    played = play(of_text(text.format(killed)))
    assert [True] * 3 == [one.killed for one in played.attempts if one.step == 0]
    assert [True, True, False] == [one.killed for one in played.attempts if one.step == 1]
    assert not [one for one in play(of_text(text.format("time 90"))).attempts if one.killed]


def test_what_happens_after_so_many_seconds_happens_while_the_function_waits() -> None:
    text = "target web; in web i-0 80=100; in web i-1 80=100; server i-n0 abnormal; ~+6 is i-n0 normal"
    played = play(of_text(f"{text}; > request web p:i-0/i-n0"))
    assert "applied" == played.attempts[0].outcome
    assert 1006.0 == played.happened[0][2]


def test_every_call_meets_every_fault_of_its_kind() -> None:
    one = of_text("target web; in web i-0 80=100; server i-n0; > request web l:i-n0")
    told = [played.world.clauses[-1] for played in reached(one, faults=True, readings=False)]
    assert {"fault 0 write 0 killed", "fault 0 read 0 throttled", "fault 0 write 0 other"} <= {*told}
    assert len(told) == len({*told})


def test_every_bound_has_worlds_that_can_be_played() -> None:
    assert all(next(work(bounds())) for bounds in BOUNDS.values())
    for bound in BOUNDS["full"]():
        play(next(bound.worlds()))


def test_each_dimension_can_be_taken_out_of_a_world_that_has_it() -> None:
    asked = set()
    for number in range(400):
        played = play(draw(Random(number)))
        for name in dimensions.met(played):
            if name not in asked:
                asked.add(name)
                assert dimensions.without(played.world, name) != played.world, name
                dimensions.changes(played, name)
    assert len(asked) > len(dimensions.DIMENSIONS) * 0.7


def test_a_part_that_changes_nothing_is_told_from_one_that_does() -> None:
    played = play(
        of_text("target web asg=a; in web i-0 80=100; lists a i-0; room 1; ~ launch a i-n0; > timer")
    )
    assert {"room", "happens launch", "delivery timer"} <= {*dimensions.met(played)}
    assert not dimensions.changes(played, "room")
    assert dimensions.changes(played, "happens launch")


def test_a_replay_tells_every_call_and_every_instant(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == explore.main(["--replay", "target web; in web i-0 80=100; server i-n0; > request web l:i-n0"])
    said = capsys.readouterr().out
    assert "AddVServerGroupBackendServers rsp-web ok" in said
    assert "[1] rsp-web: i-0:80=100, i-n0:80=100#slb-swap/web" in said
    assert said.endswith("no violation\n")


def test_a_rule_is_known_by_its_words() -> None:
    assert "floor" == rule("floor: 1 serve, 2 promised: instant 3 (attempt 0: timer)")
    assert "raised for ever: not_healthy" == rule("raised for ever: not_healthy (attempt 1: timer)")


def test_every_rule_named_in_a_story_is_one_line() -> None:
    for number in range(DRAWN):
        played = play(draw(Random(number)))
        assert all("\n" not in found for found in violations(played))


def test_no_small_sequence_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    code = explore.main(["--bounds", "small", "--jobs", "1"])
    said = capsys.readouterr().out.splitlines()
    assert (0, " worlds, 0 violations") == (code, said[-1].lstrip("0123456789")), said


def test_ctrl_c_ends_it_with_what_was_found_so_far(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*given: object) -> Iterator[Tally]:
        yield Tally(worlds=3)
        raise KeyboardInterrupt

    monkeypatch.setattr(explore, "walked", interrupted)
    assert 0 == explore.main(["--for", "1"])
    assert "3 worlds, 0 violations" == capsys.readouterr().out.splitlines()[-1]


def test_a_world_that_fails_is_printed_made_small_and_replayable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bug = next(one.bug for one in BUGS if one.bug.name == "who has stopped is put in")
    big = f"{bug.world}; room 9; time 90; server i-n1"
    with seeded(bug):
        found = violations(play(of_text(big)))
        tally = Tally(worlds=1, found=[(big, one) for one in found])
        monkeypatch.setattr(explore, "walked", lambda *given: iter([tally]))
        assert 1 == explore.main(["--for", "1"])
        said = capsys.readouterr().out
        text = next(line for line in said.splitlines() if "--replay" in line).partition("'")[2][:-1]
        assert len(text) < len(big)
        assert 1 == explore.main(["--replay", text])
    assert said.endswith(f"1 worlds, {len(found)} violations\n")
    assert "VIOLATION not running, and named in a write" in capsys.readouterr().out


def test_a_dimension_that_contributes_nothing_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    every = Counter(dict.fromkeys(dimensions.DIMENSIONS, 1))
    monkeypatch.setattr(explore, "walked", lambda *given: iter([Tally(dimensions.ENOUGH, changed=every)]))
    assert 0 == explore.main(["--for", "1"])
    monkeypatch.setattr(
        explore, "walked", lambda *given: iter([Tally(dimensions.ENOUGH, changed=every - Counter(["drain"]))])
    )
    assert 1 == explore.main(["--for", "1"])
    assert "contributed nothing: drain" in capsys.readouterr().out


def test_the_walk_is_the_same_for_the_same_seed() -> None:
    first, again = (next(explore.walked(7, 0.0, 1)) for _ in range(2))
    assert (first.worlds, first.met, first.found) == (again.worlds, again.met, again.found)
