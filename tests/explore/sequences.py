"""Every sequence within bounds: scenes, deliveries, what happens between them, and one fault at any call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from tests.explore.playing import Played, play
from tests.explore.ports import LASTING, LASTING_KINDS, TROUBLES
from tests.explore.worlds import PLAYED, READINGS, World

#: A delivery with what it tells of; ``{n}`` is the number of the delivery.
ACTS = {
    "replace": ("> request web t:i-0 l:i-n{n} force:still_in_service",),
    "gone": ("> request web t:i-0 l:i-n{n} gone force:still_in_service",),
    "signed and queued": ("> request web p:i-1/i-n{n} force:still_in_service async",),
    "surge one": ("> request web p:i-1/i-n{n} force:still_in_service surge",),
    "remove": ("> request web t:i-1 force:still_in_service",),
    "add": ("> request web l:i-n{n}",),
    "to zero": ("> request web l:i-0:weight=0 l:i-1:weight=0",),
    "weigh": ("> request web l:i-1:weight=50",),
    "undo": ("> request web p:i-n0/i-0 force:still_in_service",),
    "out": ("~ launch a i-n{n}", "> out a i-n{n}"),
    "in": ("~ release i-0", "> in a i-0"),
    "detached": ("~ unlist i-1", "> in a i-1"),
    "out and in": ("~ launch a i-n{n}", "~ leave a i-1", "> out a i-n{n}"),
    "hook in": ("~ leave a i-0 Removing:Wait", "> hookin a i-0"),
    "hooks in": ("~ leave a i-0 Removing:Wait", "~ leave a i-1 Removing:Wait", "> hooksin a i-0 i-1"),
    "hook out": ("~ launch a i-n{n} Pending:Wait", "> hookout a i-n{n}"),
    "interrupted": ("~ is i-0 doomed", "> interrupted i-0"),
    "deleted": ("> deleted i-0",),
    "failed": ("> outerr a i-n{n}",),
    "failed in": ("> inerr a i-1",),
    "timer": ("> timer",),
}
HAPPENINGS = (
    "~ is i-0 doomed", "~ is i-1 abnormal", "~ is i-0 443=abnormal", "~ is i-n0 abnormal", "~ is i-1 stopped",
    "~ release i-1", "~ launch a i-n9", "~ leave a i-1", "~ unlist i-0", "~ lag a", "~ drop a", "~ zero a",
    "~ foreign web out i-1", "~ foreign web weight i-0 0", "~ is i-n0 doomed",
)  # fmt: skip
NEWS = tuple(f"server i-n{n} normal" for n in range(3))
TWO = ("in web i-0 80=100 mark", "in web i-1 80=30", "lists a i-0", "lists a i-1")
THREE = (*TWO, "in web i-2 80=100", "lists a i-2")
SCENES = {
    "two servers": ("target web asg=a", *TWO),
    "two servers, surge": ("target web asg=a strategy=surge", *TWO),
    "three servers, half out at a time": ("target web asg=a un=50% rem=100%", *THREE),
    "drain": ("target web asg=a un=50% drain=3", *THREE),
    "surge and drain": ("target web asg=a strategy=surge drain=3", *THREE),
    "no place left": ("target web asg=a un=50%", *THREE, "room 0"),
    "one place left, surge": ("target web asg=a strategy=surge", *THREE, "room 1"),
    "a floor that binds": ("target web asg=a min=3 un=0", *THREE),
    "exclusive": ("target web asg=a exclusive un=50%", *TWO, "in web i-2 80=100"),
    "two ports": (
        "target web asg=a un=50%",
        "in web i-0 80=100 81=30",
        "in web i-1 80=30 81=0 mark",
        "lists a i-0",
        "lists a i-1",
    ),
    "listeners that disagree": (
        "target web asg=a un=50%",
        *THREE,
        "listener web https:443",
        *(f"server i-{n} 443=abnormal" for n in range(3)),
    ),
    "a check that one fails": (
        "target web asg=a un=50%",
        *THREE,
        "listener web https:443",
        "server i-1 443=abnormal",
    ),
    "no check": ("target web asg=a un=50%", *THREE, "listener web http:80 unchecked"),
    "new ones that are sick": ("target web asg=a un=50% rem=100%", *THREE, "server i-n0 abnormal"),
    "two sources": ("target web asg=a,b", *TWO, "in web i-2 80=100 mark", "lists b i-2"),
    "two sources, one of none": ("target web asg=a,b", *TWO, "in web i-2 80=100 mark"),
    "two targets": (
        "target web asg=a",
        *TWO,
        "target api asg=a strategy=surge",
        "in api i-0 90=100",
        "in api i-1 90=30",
    ),
    "a plan beside": (
        "target web asg=a",
        *TWO,
        "target api asg=a mode=plan",
        "in api i-0 90=100",
        "in api i-1 90=100",
    ),
    "an off beside": ("target web asg=a", *TWO, "target api asg=a mode=off", "in api i-0 90=100"),
    "two addresses": (
        "target web un=50%",
        "in web i-0 80=100",
        "in web i-1 80=30",
        "in web eni-0@10.0.0.1 80=100",
        "in web eni-0@10.0.0.2 80=100",
    ),
    "little time": ("target web asg=a un=50% drain=3", *THREE, "time 30"),
    "foreign descriptions": (
        "target web asg=a drain=3 un=50%",
        "in web i-0 80=30 foreign",
        "in web i-1 80=100 foreign",
        "lists a i-0",
        "lists a i-1",
    ),
}
PLAIN = ("two servers", "two servers, surge")
#: Scenes in which something happens between two deliveries.
EVENTFUL = (
    *PLAIN,
    "drain",
    "surge and drain",
    "no place left",
    "exclusive",
    "listeners that disagree",
    "new ones that are sick",
    "two sources",
    "two targets",
)


@dataclass(frozen=True)
class Bound:
    """One part of the bounds: which sequences, and whether each call of them may go wrong, once."""

    said: str
    scenes: Sequence[str]
    deliveries: int
    happenings: Sequence[str] = ()  #: one of them, or none, at one place in the sequence
    faults: bool = False
    readings: bool = False
    acts: Sequence[str] = tuple(ACTS)

    def worlds(self) -> Iterator[World]:
        """Yield its worlds, those with a fault or a reading left out."""
        for scene in self.scenes:
            for acts in product(self.acts, repeat=self.deliveries):
                for place in range(self.deliveries if self.happenings else 1):
                    for happening in (None, *self.happenings) if not place else self.happenings:
                        yield world(scene, acts, place, happening)


def world(scene: str, acts: Sequence[str], place: int = 0, happening: str | None = None) -> World:
    """A scene with deliveries, and something that happens before one of them."""
    clauses = [*SCENES[scene]]
    clauses += [clause for clause in NEWS if clause.split()[1] not in " ".join(clauses)]
    for number, act in enumerate(acts):
        if happening and number == place:
            clauses.append(happening)
        clauses += [clause.format(n=number) for clause in ACTS[act]]
    return World(tuple(clauses))


def small() -> Iterator[Bound]:
    """Yield the bounds that take seconds."""
    yield Bound("one delivery, every scene", tuple(SCENES), 1)
    yield Bound("one delivery, one fault", PLAIN[:1], 1, faults=True, acts=("replace", "out and in"))


def ci() -> Iterator[Bound]:
    """Yield the bounds that take minutes."""
    yield Bound("one delivery, something happens before, every scene", tuple(SCENES), 1, HAPPENINGS)
    yield Bound("two deliveries, every scene", tuple(SCENES), 2)
    yield Bound("one delivery, one fault", ("two servers", "drain", "surge and drain"), 1, faults=True)
    yield Bound(
        "one delivery, one reading", tuple(SCENES), 1, readings=True, acts=("replace", "out and in", "timer")
    )


def full() -> Iterator[Bound]:
    """Yield the bounds of the proof."""
    yield Bound("two deliveries, every scene", tuple(SCENES), 2)
    yield Bound("two deliveries, something happens before one of them, ten scenes", EVENTFUL, 2, HAPPENINGS)
    yield Bound("one delivery, something happens before, every scene", tuple(SCENES), 1, HAPPENINGS)
    yield Bound("three deliveries", (*PLAIN, "drain", "surge and drain"), 3)
    yield Bound("one delivery, one fault, every scene", tuple(SCENES), 1, faults=True)
    yield Bound("two deliveries, one fault", ("drain",), 2, faults=True)
    yield Bound("one delivery, one reading, every scene", tuple(SCENES), 1, readings=True)


BOUNDS = {"small": small, "ci": ci, "full": full}


def work(bounds: Iterable[Bound]) -> Iterator[tuple[World, bool, bool]]:
    """Yield each world once, with whether to look for faults and readings in it."""
    found: dict[World, tuple[bool, bool]] = {}
    for bound in bounds:
        for one in bound.worlds():
            faults, readings = found.get(one, (False, False))
            found[one] = (faults or bound.faults, readings or bound.readings)
    yield from ((one, *how) for one, how in found.items())


def with_faults(played: Played) -> Iterator[World]:
    """Yield the world that was played with each fault at each of its calls, the repeat left out."""
    for attempt in played.attempts:
        met: dict[str, int] = {}
        for call in attempt.calls:
            nth = met[call.kind] = met.get(call.kind, -1) + 1
            for trouble in TROUBLES[call.kind]:
                fault = f"fault {attempt.number} {call.kind} {nth} {trouble}"
                yield World((*played.world.clauses, fault))
            for trouble in LASTING if call.kind in LASTING_KINDS else ():
                fault = f"fault {attempt.number} {call.kind} {nth}+ {trouble}"
                yield World((*played.world.clauses, fault))


def with_readings(one: World) -> Iterator[World]:
    """Yield a world under each other value of each reading."""
    for name in PLAYED:
        for value in READINGS[name][1:]:
            yield World((*one.clauses, f"read {name}={value}"))


def reached(one: World, *, faults: bool, readings: bool) -> Iterator[Played]:
    """Play a world, and those that are reached from it."""
    played = play(one)
    yield played
    if faults:
        yield from map(play, with_faults(played))
    if readings:
        yield from map(play, with_readings(one))
