"""Draws worlds at random: plausible ones, in which deliveries tell of what has happened, or do not."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.explore.ports import LASTING, LASTING_KINDS, TROUBLES
from tests.explore.worlds import PLAYED, READINGS, World

WEIGHTS = (100, 100, 100, 30, 30, 0)
MARKS = ("mark", "", "", "foreign")
#: Without what a reading seldom or never matters.
TOGETHER = {
    "busy_scope": ("read busy_for=1",),
    "failed_new": ("denied ecs",),
    "bad_new": ("denied ecs",),
    "missing_old": ("fault 0 write 0 other",),
    "present_new": ("read read_lag=2", "fault 0 write 0 lost"),
}
REFUSALS = (
    "InstanceBackendServerNumberOverLimit",
    "ObtainIpFail",
    "Forbidden.RAM",
    "BackendServer.configuring",
    "TooManyBackendServers",
)
#: Refusals for good that may be about a single server: rights, and a code that no document lists.
OF_ONE = ("Forbidden.RAM", "Forbidden.RAM", "IpVersionMismatch")
WRITES = (
    "ModifyVServerGroupBackendServers",
    "AddVServerGroupBackendServers",
    "RemoveVServerGroupBackendServers",
    "SetVServerGroupAttribute",
)


class _Draw:
    """One world in the making."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.clauses: list[str] = []
        self.steps: list[str] = []
        self.targets: list[str] = []
        self.sources: dict[str, list[str]] = {}
        self.groups: dict[str, list[str]] = {}  #: the servers of each target's group, with their addresses
        self.members: dict[str, list[str]] = {}
        self.news = 0
        self.beside = ""  #: a server that is sick for another group

    def likely(self, share: float) -> bool:
        return self.random.random() < share

    def world(self) -> World:
        self._targets()
        self._servers()
        self._rules()
        for _ in range(self.random.choice((1, 2, 2, 3, 3))):
            if self.likely(0.35):
                self._happening()
            self._delivery()
        self._circumstances()
        self._faults()
        return World((*self.clauses, *self.steps))

    # What there is.

    def _targets(self) -> None:
        shape = self.random.choice(
            ("one", "one", "one", "request", "two sources", "shared", "shared", "apart")
        )
        if shape == "one":
            self.sources = {"web": ["a"]}
        elif shape == "request":
            self.sources = {"web": []}
        elif shape == "two sources":
            self.sources = {"web": ["a", "b"]}
        elif shape == "shared":
            self.sources = {"web": ["a"], "api": ["a"]}
        else:
            self.sources = {"web": ["a"], "api": ["b"]}
        self.members = {source: [] for sources in self.sources.values() for source in sources}
        for name, sources in self.sources.items():
            words = [f"target {name}"]
            words += [f"asg={','.join(sources)}"] if sources else []
            if name == "api" and self.likely(0.4):
                words.append(f"mode={self.random.choice(('plan', 'off'))}")
            words += self._policy()
            self.clauses.append(" ".join(words))
            self.targets.append(name)
            if self.likely(0.3):
                how = self.random.choice(("", "", "", " unchecked", " rr", " drains"))
                self.clauses.append(f"listener {name} https:{443 if name == 'web' else 444}{how}")
            if self.likely(0.12):
                how = self.random.choice(("unchecked", "unchecked", "rr", "drains"))
                self.clauses.append(f"listener {name} http:{80 if name == 'web' else 90} {how}")

    def _policy(self) -> list[str]:
        words: list[str] = []
        for word, share in (
            ("strategy=surge", 0.35),
            ("drain=3", 0.3),
            ("exclusive", 0.12),
            ("ports=80", 0.2),
            ("ports=80,81", 0.1),
            ("weight=50", 0.1),
            ("batch=2", 0.15),
        ):
            if self.likely(share) and word.partition("=")[0] not in " ".join(words):
                words.append(word)
        if self.likely(0.5):
            words.append("un=" + self.random.choice(("0", "1", "2", "50%", "50%", "100%")))
        if self.likely(0.3):
            words.append("min=" + self.random.choice(("0", "2", "3")))
        if self.likely(0.2):
            words.append("rem=" + self.random.choice(("0", "1", "100%")))
        return words

    def _servers(self) -> None:
        number = 0
        first: list[str] = []
        for name in self.targets:
            servers: list[str] = []
            count = self.random.choice((1, 2, 2, 3, 3, 4, 5))
            two_ports = self.likely(0.25)
            for at in range(count):
                shared = name != "web" and self.sources[name] == self.sources["web"] and at < len(first)
                server = first[at] if shared else f"i-{number}"
                number += not shared
                if not self.sources[name] and self.likely(0.2):
                    self._eni(name, servers)
                    continue
                self._put(name, server, two_ports=two_ports)
                servers.append(server)
                for source in self.sources[name][:1] if shared else self._source(name):
                    if server not in self.members[source]:
                        self.members[source].append(server)
                        self.clauses.append(f"lists {source} {server}" + self._state())
            self.groups[name] = servers
            if name == "web":
                first = servers

    def _source(self, name: str) -> list[str]:
        sources = self.sources[name]
        return [self.random.choice(sources)] if sources and self.likely(0.85) else []

    def _state(self) -> str:
        return (
            self.random.choice((" Standby", " Removing", " unwell", " Protected"))
            if self.likely(0.08)
            else ""
        )

    def _eni(self, name: str, servers: list[str]) -> None:
        eni = f"eni-{sum(one.startswith('eni') for one in servers)}"
        for address in ("10.0.0.1", "10.0.0.2"):
            self._put(name, f"{eni}@{address}", two_ports=False)
        servers.append(eni)

    def _put(self, name: str, server: str, *, two_ports: bool) -> None:
        weights = [f"80={self.random.choice(WEIGHTS)}"]
        if two_ports and self.likely(0.85):
            weights.append(f"81={self.random.choice(WEIGHTS)}")
        mark = (
            self.random.choice(MARKS)
            if self.sources[name]
            else self.random.choice(("", "", "mark", "foreign"))
        )
        self.clauses.append(" ".join(filter(None, (f"in {name} {server}", *weights, mark))))
        if self.likely(0.06):
            self.clauses.append(f"server {server.partition('@')[0]} {self._ill()}")

    def _rules(self) -> None:
        """Rules of listeners, which use the group of a target, or another that has some of its servers."""
        for name in self.targets:
            if not self.likely(0.12):
                continue
            group = self.random.choice(("beside", "beside", "beside", *self.targets))
            words = [f"rule {name} http:{80 if name == 'web' else 90} {group}"]
            if group == "beside":
                here = [one for one in self.groups[name] if one.startswith("i-") and self.likely(0.7)]
                news = [f"i-n{number}" for number in range(3) if self.likely(0.4)]
                words += [f"{server}={self.random.choice((100, 100, 0))}" for server in (*here, *news)]
                if self.likely(0.5):
                    self.beside = self.random.choice([*here, *news, "i-0"])
                    self.clauses.append(f"server {self.beside} beside=abnormal")
            words += self.random.choice(([], [], ["own"], ["own", "unchecked"]))
            self.clauses.append(" ".join(words))

    def _ill(self) -> str:
        return self.random.choice(
            ("abnormal", "abnormal", "443=abnormal", "443=abnormal", "stopped", "doomed")
        )

    def _new(self, *, eci: bool = False) -> str:
        """A server that runs and is in no group yet."""
        server = f"{'eci' if eci else 'i'}-n{self.news}"
        self.news += 1
        said = self._ill() if self.likely(0.2) else "normal"
        self.clauses.append(f"server {server} {said}")
        if said in {"abnormal", "443=abnormal"} and self.likely(0.25):
            self.steps.append(f"~+{self.random.choice((4, 9))} is {server} normal")
        return server

    def _any(self, name: str = "") -> str:
        name = name or self.random.choice(self.targets)
        return self.random.choice(self.groups[name] or ["i-0"])

    # What happens, and what is delivered.

    def _happening(self) -> None:
        source = self.random.choice(sorted(self.members)) if self.members else ""
        name = self.random.choice(self.targets)
        when = f"~+{self.random.choice((1, 5, 10))}" if self.likely(0.25) else "~"
        what: list[str] = [
            f"is {self._any()} doomed",
            f"is {self._any()} doomed",
            f"is {self._any()} abnormal",
            f"is {self._any()} 443=abnormal",
            f"is {self._any()} stopped",
            f"is {self._any()} normal",
            f"release {self._any()}",
            f"foreign {name} out {self._any(name)}",
            f"foreign {name} weight {self._any(name)} {self.random.choice((0, 30))}",
            f"foreign {name} in i-x9 80",
            f"foreign {name} in LAUNCHED 80 #by-hand",
            f"foreign {name} in LAUNCHED 80 #by-hand",
        ]
        if self.beside:
            what += [f"is {self.beside} beside={self.random.choice(('abnormal', 'normal'))}"] * 3
        if source:
            what += [
                f"launch {source} {self._new()}",
                f"launch {source} {self._new()}",
                f"leave {source} {self._any()}",
                f"unlist {self._any()}",
                f"lag {source}",
                f"drop {source}",
                f"zero {source}",
            ]
        chosen = self.random.choice(what)
        if "LAUNCHED" in chosen:  # somebody else puts in the server that the next delivery brings
            chosen, when = (
                chosen.replace("LAUNCHED", f"i-n{self.news}"),
                f"~+{self.random.choice((1, 5, 10))}",
            )
            if self.likely(0.5):
                self.clauses.append(f"refuse {self.random.choice(WRITES[:2])} ObtainIpFail")
        self.steps.append(f"{when} {chosen}")

    def _delivery(self) -> None:
        kinds: list[Callable[[], None]] = [self._request, self._request]
        if self.members:
            kinds += [
                self._scaled_out, self._scaled_in, self._scaled_in, self._both, self._hook_in, self._hooks_in,
                self._hook_out, self._interrupted, self._deleted, self._timer, self._failed,
            ]  # fmt: skip
        self.random.choice(kinds)()

    def _deliver(self, event: str) -> None:
        """Deliver an event, unless it got lost: the timer comes then."""
        self.steps.append("> timer" if self.likely(0.1) else f"> {event}")

    def _source_at_random(self) -> str:
        return self.random.choice(sorted(self.members))

    def _launch(self, source: str, state: str = "") -> str:
        server = self._new(eci=self.likely(0.04))  # an ECI whose address nobody says has no place
        if self.likely(0.12):
            self.steps.append(f"~ lag {source}")
        self.steps.append(f"~ launch {source} {server}{state}")
        self.members[source].append(server)
        return server

    def _scaled_out(self) -> None:
        source = self._source_at_random()
        servers = [self._launch(source) for _ in range(self.random.choice((1, 1, 2)))]
        self._deliver(f"out {source} {' '.join(servers)}")

    def _scaled_in(self) -> None:
        source = self._source_at_random()
        server = self._of(source)
        self.steps.append(f"~ {self.random.choice(('release', 'release', 'release', 'unlist'))} {server}")
        self._deliver(f"in {source} {server}")

    def _both(self) -> None:
        source = self._source_at_random()
        server = self._launch(source)
        self.steps.append(f"~ leave {source} {self._of(source)}")
        self._deliver(f"out {source} {server}")

    def _of(self, source: str) -> str:
        return self.random.choice(self.members[source] or ["i-0"])

    def _hook_in(self) -> None:
        source = self._source_at_random()
        server = self._of(source)
        if self.likely(0.4):
            self._launch(source)
        self.steps.append(f"~ leave {source} {server} Removing:Wait")
        self._deliver(f"hookin {source} {server}")

    def _hooks_in(self) -> None:
        source = self._source_at_random()
        servers = list(dict.fromkeys([self._of(source), self._of(source)]))
        for _ in range(self.random.choice((0, 1, 1, 2))):
            self._launch(source)
        self.steps += [f"~ leave {source} {server} Removing:Wait" for server in servers]
        self._deliver(f"hooksin {source} {' '.join(servers)}")

    def _hook_out(self) -> None:
        source = self._source_at_random()
        server = self._launch(source, " Pending:Wait")
        self._deliver(f"hookout {source} {server}")

    def _interrupted(self) -> None:
        server = self._any()
        if self.likely(0.8):
            self.steps.append(f"~ is {server} doomed")
        if self.likely(0.5):
            self._launch(self._source_at_random())
        self._deliver(f"interrupted {server}")

    def _deleted(self) -> None:
        server = self._any()
        if self.likely(0.6):
            self.steps.append(f"~ release {server}")
        self._deliver(f"deleted {server}")

    def _timer(self) -> None:
        if self.likely(0.4):
            self._launch(self._source_at_random())
        self.steps.append("> timer")

    def _failed(self) -> None:
        source = self._source_at_random()
        kind = self.random.choice(("outerr", "inerr"))
        server = self._new() if kind == "outerr" else self._of(source)
        self._deliver(f"{kind} {source} {server}")

    def _request(self) -> None:
        name = self.random.choice(self.targets)
        here = list(dict.fromkeys(self.groups[name]))
        self.random.shuffle(here)
        words = [f"> request {name}"]
        kind = self.random.choice(("replace",) * 5 + ("pairs", "pairs", "remove", "add", "weigh", "weigh"))
        count = min(len(here), self.random.choice((1, 1, 2, 2, 3)))
        olds = here[:count]
        if kind == "weigh":
            weight = self.random.choice((0, 0, 30))
            words += [
                f"l:{self._entry(name, server)}:weight={weight}" for server in olds if server[:3] != "eni"
            ]
        elif kind == "pairs":
            words += [f"p:{server}/{self._new()}" for server in olds if server[:3] != "eni"]
        else:
            words += [f"t:{self._entry(name, server)}" for server in olds if kind != "add"]
            more = {"remove": 0}.get(kind, max(0, count + self.random.choice((0, 0, 0, 1, -1))))
            words += [f"l:{self._new()}{self._said()}" for _ in range(more)]
        if len(words) == 1:
            words.append(f"l:{self._new()}")
        if self.sources[name] and self.likely(0.7):
            words.append("force:still_in_service" + (",min_backends" if self.likely(0.2) else ""))
        elif self.likely(0.2):
            words.append("force:" + self.random.choice(("min_backends", "max_unavailable", "max_removed")))
        for word, share in (("gone", 0.1), ("dry_run", 0.04), ("async", 0.2)):
            words += [word] if self.likely(share) else []
        if self.likely(0.25):
            words.append(self.random.choice(("swap", "surge")))
        self.steps.append(" ".join(words))

    def _entry(self, name: str, server: str) -> str:
        return f"{server}@10.0.0.1" if server[:3] == "eni" and self.likely(0.6) else server

    def _said(self) -> str:
        return (
            self.random.choice((":weight=30", ":weight=0", ":port=80", ":port=81"))
            if self.likely(0.15)
            else ""
        )

    # What goes wrong.

    def _circumstances(self) -> None:
        if self.likely(0.25):
            self.clauses.append(f"room {self.random.choice((0, 0, 1, 1, 2))}")
        if self.likely(0.1):
            self.clauses.append(f"time {self.random.choice((16, 30, 45))}")
        if self.likely(0.03):
            self.clauses.append("denied ecs")
        if self.likely(0.15):
            self.clauses.append("once")
        for _ in range(self.random.choice((0, 0, 0, 1, 1, 2))):
            name = self.random.choice(PLAYED)
            value = self.random.choice(READINGS[name][1:] or READINGS[name])
            if not any(clause.startswith(f"read {name}=") for clause in self.clauses):
                self.clauses.append(f"read {name}={value}")
            self.clauses += [one for one in TOGETHER.get(name, ()) if one not in self.clauses]

    def _faults(self) -> None:
        for _ in range(self.random.choice((0, 0, 0, 1, 1, 1, 2))):
            kind = self.random.choice(("write", "write", "write", "read", "health", "list", "hook", "ecs"))
            nth = self.random.choice((0, 0, 0, 1, 1, 2, 3, 5))
            attempt = self.random.choice((0, 0, 0, 1, 1, 2, 3))
            self.clauses.append(f"fault {attempt} {kind} {nth} {self.random.choice(TROUBLES[kind])}")
        if self.likely(0.12):
            kind, what = self.random.choice(LASTING_KINDS), self.random.choice(LASTING)
            nth, attempt = self.random.choice((1, 1, 2, 3, 5)), self.random.choice((0, 0, 1, 2))
            if kind in {"list", "ecs"} and self.likely(0.6):
                nth, attempt = 1, self.random.choice((0, 0, 1))
                self.clauses = [_slow_and_sick(clause) for clause in self.clauses]
            self.clauses.append(f"fault {attempt} {kind} {nth}+ {what}")
        if self.likely(0.04):
            self.clauses.append(f"refuse {self.random.choice(WRITES)} {self.random.choice(REFUSALS)}")
        elif self.likely(0.05):
            news = [f"i-n{number}" for number in range(self.news)]
            server = self.random.choice([*news, self._any().partition("@")[0]])
            action = self.random.choice(("any", "any", *WRITES))
            self.clauses.append(f"refuse {action} {self.random.choice(OF_ONE)} of {server}")


def _slow_and_sick(clause: str) -> str:
    """A clause of a world whose new servers fail so late that Auto Scaling and ECS are asked again before."""
    if clause.startswith("target ") and "drain=" not in clause:
        return f"{clause} drain=3"
    return clause.replace(" normal", " abnormal") if clause.startswith("server i-n") else clause


def draw(random: Random) -> World:
    """Draw one world."""
    return _Draw(random).world()
