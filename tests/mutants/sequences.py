"""Seeded bugs that sequences, several targets or weights show, each with a world where it shows."""

from __future__ import annotations

from dataclasses import dataclass

from tests.mutants.bugs import Bug, Patch


@dataclass(frozen=True)
class Sequenced:
    """A bug, and the rule of the oracle that it breaks."""

    bug: Bug
    rule: str

    def __str__(self) -> str:
        return str(self.bug)


def _bug(name: str, rule: str, world: str, *patches: tuple[str, str, str]) -> Sequenced:
    return Sequenced(Bug(name, tuple(Patch(*patch) for patch in patches), world), rule)


TWO_SOURCES = (
    "target web asg=a,b; in web i-0 80=100; in web i-1 80=100 mark; in web i-2 80=100;"
    "lists a i-0; lists b i-1; lists b i-2"
)
BUGS = (
    _bug(
        "only the first scaling group of a target listed",
        "taken out, and nobody said so",
        f"{TWO_SOURCES}; > timer",
        (
            "running.observer:Observer._list",
            "in self._target.scaling_group_ids:",
            "in self._target.scaling_group_ids[:1]:",
        ),
    ),
    _bug(
        "ids asked for in the first scaling group only",
        "taken out, and nobody said so",
        f"{TWO_SOURCES}; fault 0 list 1 missing; > timer",
        ("running.observer:Observer._list", "for known in listings for", "for known in [*listings][:1] for"),
    ),
    _bug(
        "a hook judged by the last target only",
        "a scale-in hook told CONTINUE while ['web'] has its instances",
        "target web asg=a mode=plan; target api asg=a; in web i-0 80=100; in api i-0 90=100;"
        "in api i-1 90=100; lists a i-0; lists a i-1; ~ leave a i-0 Removing:Wait; > hookin a i-0",
        (
            "core.deciding.hooks:verdict",
            "_is_out(hook, ending) for ending in endings)",
            "_is_out(hook, ending) for ending in endings[-1:])",
        ),
    ),
    _bug(
        "max_removed counting the gone",
        "refused for no cause that can be seen",
        "target web asg=a rem=1 un=100%; in web i-0 80=100 mark; in web i-1 80=100 mark;"
        "in web i-2 80=100 mark; lists a i-2; ~ release i-0; > deleted i-0",
        (
            "core.planning.guards:_over_share",
            "for effect in removals",
            "for effect in [*removals, *removals]",
        ),
    ),
    _bug(
        "busy is tried again at once",
        "sent again without a wait and a look",
        "target web; in web i-0 80=100; server i-n0; fault 0 write 0 busy; > request web l:i-n0",
        ("core.deciding.run_state:Retry.failed", "now + ", "now + 0 * "),
    ),
    _bug(
        "a drain measured from the first port",
        "taken out without its drain",
        "target web un=50% drain=20; in web i-0 80=0 81=100; in web i-1 80=100 81=100;"
        "fault 0 write 0 busy; > request web t:i-0",
        ("core.deciding.drain:seconds_left", "max(begun, default", "min(begun, default"),
    ),
    _bug(
        "weights swapped between ports",
        "not as the one it replaced",
        "target web un=50%; in web i-0 80=30 81=100; in web i-1 80=100 81=30; server i-n0;"
        "> request web p:i-0/i-n0",
        (
            "core.planning.placement:beside",
            "return [backend or next(left, None) for backend in same]",
            "return [backend or next(left, None) for backend in same][::-1]",
        ),
    ),
    _bug(
        "a reverse without what was only reweighed",
        "the reverse of a run forgets",
        "target web; in web i-0 80=100; in web i-1 80=100; > request web l:i-0:weight=30",
        ("outcome:_reverse", "*reweighed]", "]"),
    ),
)
