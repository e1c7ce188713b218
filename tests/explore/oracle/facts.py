"""What a delivery says, and what is true when it comes: who may leave, who may come, and on whose word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from localcloud.state.world import Backend, Instance
from tests.explore.oracle.served import Served, Unit, unit
from tests.explore.playing import Played, request
from tests.explore.ports import READ, WRONG, Attempt, Call

#: Descriptions that say that a backend was added by us: the mark, also while it waits or drains.
_OURS = re.compile(r"slb-swap[/.].*|swap-[0-9]+/.*")
_DRAINED = re.compile(r"swap[-_][0-9]+/.*")
EVENTS = frozenset({"out", "in", "outerr", "inerr", "hookin", "hooksin", "hookout"})
HOOKS_IN = frozenset({"hookin", "hooksin"})  #: one lifecycle hook for all instances, or one for each
RUNS = frozenset({"Running", "Pending", "Starting"})


@dataclass(frozen=True)
class Entry:
    """A server as a request names it."""

    server: str
    port: int | None = None
    address: str | None = None
    weight: int | None = None
    description: str | None = None

    def covers(self, backend: Backend) -> bool:
        """Whether a backend is meant."""
        return (
            backend.server_id == self.server
            and self.port in {None, backend.port}
            and self.address in {None, backend.server_ip}
        )


def is_ours(description: str) -> bool:
    """Whether a description says that we have added the backend."""
    return bool(_OURS.fullmatch(description))


def was_drained(backend: Backend) -> bool:
    """Whether a description of ours remembers the weight that a drain took."""
    return backend.weight == 0 and bool(_DRAINED.fullmatch(backend.description))


def share(limit: int | str, of: int) -> int:
    """A limit as a number: a share rounds down, but a share above 0 not below 1."""
    if isinstance(limit, int):
        return limit
    percent = int(limit.rstrip("%"))
    return max(1, of * percent // 100) if percent else 0


@dataclass
class Run:
    """One attempt in one target: what it is told, and where it begins and ends."""

    played: Played
    served: Served
    attempt: Attempt
    target: dict[str, Any]
    dry: bool = False
    terminated: list[Entry] = field(default_factory=list)
    launched: list[Entry] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    force: set[str] = field(default_factory=set)
    body: dict[str, Any] | None = None

    @property
    def group(self) -> str:
        """The VServer group."""
        return str(self.target["vserver_group_id"])

    @property
    def is_request(self) -> bool:
        """Whether it means exactly what it says."""
        return self.body is not None

    @cached_property
    def meddled(self) -> bool:
        """Whether anything has happened while it went on."""
        began, ended = self.attempt.began, self.attempt.ended
        return any(began < when <= ended for _, _, when in self.played.happened)

    @cached_property
    def launched_meanwhile(self) -> set[str]:
        """The servers that a scaling group has launched while it went on."""
        began, ended = self.attempt.began, self.attempt.ended
        launches = [(step, when) for _, step, when in self.played.happened if step.kind == "launch"]
        return {step.words[1] for step, when in launches if began < when <= ended}

    @property
    def was_read(self) -> bool:
        """Whether the delivery was read as one for the target, and not rejected or ignored."""
        return any(intent.target == self.target["name"] for intent in self.attempt.read.intents)

    @property
    def acts(self) -> bool:
        """Whether the target is to be changed at all."""
        return self.target.get("mode", "apply") == "apply" and not self.dry

    @property
    def strategy(self) -> str:
        """How it replaces."""
        asked = (self.body or {}).get("strategy")
        return str(asked or self.target.get("strategy", "swap"))

    @property
    def mark(self) -> str:
        """The description of what is ours."""
        return f"slb-swap/{self.target['name']}"

    @cached_property
    def result(self) -> dict[str, Any] | None:
        """What was told of the target."""
        return next((r for r in self.attempt.results if r["target"] == self.target["name"]), None)

    @cached_property
    def refused(self) -> dict[str, str]:
        """What was refused, with the reason."""
        return {r["subject"]: r["reason"] for r in (self.result or {}).get("refused", ())}

    @cached_property
    def calls(self) -> list[Call]:
        """Its reads and writes of the group."""
        return [c for c in self.attempt.calls if c.group == self.group and c.action]

    @cached_property
    def writes(self) -> list[Call]:
        """Its writes."""
        return [c for c in self.calls if c.kind == "write"]

    @cached_property
    def begin(self) -> int:
        """The instant that it began with."""
        first = next((c.first for c in self.calls if c.action == READ), self.attempt.first)
        return self.served.before(self.group, first)

    @cached_property
    def end(self) -> int:
        """The instant that it ended with."""
        last = max((c.last for c in self.calls), default=self.attempt.first)
        return self.served.before(self.group, max(last, self.attempt.first))

    def backends(self, at: int) -> tuple[Backend, ...]:
        """The backends at an instant."""
        return self.served.history[at].backends

    def steps_of_others(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield each instant that somebody else made, from one up to another, after the one before it."""
        for at in self.served.instants(self.group, first, last):
            if at in self.played.others:
                yield self.served.before(self.group, at), at

    @cached_property
    def start(self) -> tuple[Backend, ...]:
        """The backends that it began with."""
        return self.backends(self.begin)

    @cached_property
    def wrong_listing(self) -> bool:
        """Whether some listing that it read was wrong, lagged or failed."""
        return any(c.kind == "list" and c.trouble in WRONG for c in self.attempt.calls)

    @cached_property
    def ecs_unread(self) -> bool:
        """Whether ECS did not answer."""
        asked = [c for c in self.attempt.calls if c.kind == "ecs"]
        return self._ecs_is_refused or bool(asked and asked[-1].answer != "ok")

    @cached_property
    def ecs_knows_some(self) -> bool:
        """Whether ECS knows any instance that it was asked for: it is not believed where it knows nobody."""
        asked = {b.server_id for b in self.start} | (set() if self.is_request else self.listed.keys())
        asked |= {e.server for e in (*self.terminated, *self.launched)}
        return not self.ecs_unread and any(self.known(s) for s in asked if s.startswith("i-"))

    @cached_property
    def ecs_silent(self) -> bool:
        """Whether ECS has answered nothing at all."""
        asked = [c for c in self.attempt.calls if c.kind == "ecs"]
        return self._ecs_is_refused or bool(asked and all(c.answer != "ok" for c in asked))

    @property
    def ecs_has_told(self) -> bool:
        """Whether ECS has answered at least once, whichever target asked."""
        return any(call.kind == "ecs" and call.answer == "ok" for call in self.attempt.calls)

    @property
    def _ecs_is_refused(self) -> bool:
        """Whether ECS may not be asked; of several targets, any may have been refused its only question."""
        refused = any(c.kind == "ecs" and c.trouble == "forbidden" for c in self.attempt.calls)
        return "ecs" in self.played.setup.denied or (refused and len(self.played.setup.targets) > 1)

    @cached_property
    def sources(self) -> list[str]:
        """The target's scaling groups."""
        return list(self.target.get("scaling_group_ids", ()))

    @cached_property
    def listed(self) -> dict[str, tuple[str, bool]]:
        """The members of its scaling groups as it was shown them; as they are, where it has seen none."""
        found: dict[str, tuple[str, bool]] = {}
        for name in self.sources:
            if name in self.attempt.shown:
                found.update({s.id: (s.state, s.healthy) for s in self.attempt.shown[name][-1]})
            else:
                found.update(
                    {m.instance_id: (STATES[m.lifecycle_state], m.health_status == "Healthy")
                     for m in self.attempt.members.get(name, ())}
                )  # fmt: skip
        return found

    @cached_property
    def ever(self) -> dict[str, set[tuple[str, bool]]]:
        """What its scaling groups ever showed of a server while it went on; nothing where one left it out."""
        found: dict[str, set[tuple[str, bool]]] = {s: {said} for s, said in self.listed.items()}
        for name in self.sources:
            for shown in self.attempt.shown.get(name, ())[:-1]:
                for one in shown:
                    found.setdefault(one.id, {NOT_LISTED}).add((one.state, one.healthy))
                for server in found.keys() - {one.id for one in shown}:
                    found[server].add(NOT_LISTED)
        if self._dropped:
            for said in found.values():
                said.add(NOT_LISTED)
        return found

    @property
    def _dropped(self) -> bool:
        """Whether a scaling group of it was deleted while it went on."""
        return self.meddled and not self.played.cloud.world.scaling_groups.keys() >= {*self.sources}

    def once(self, server: str, *states: str) -> bool:
        """Whether a server was ever listed in one of some states."""
        return any(state in states for state, _ in self.ever.get(server, {NOT_LISTED}))

    @cached_property
    def in_service(self) -> set[str]:
        """Who is listed in service, and well."""
        return {s for s, (state, healthy) in self.listed.items() if state == "in_service" and healthy}

    @cached_property
    def truly_doomed(self) -> set[str]:
        """Who is about to be reclaimed when the run begins."""
        return _recycled(self.attempt.instances)

    @cached_property
    def doomed_in_the_end(self) -> set[str]:
        """Who is about to be reclaimed when the run ends."""
        return _recycled(self.attempt.instances_after)

    @property
    def doomed(self) -> set[str]:
        """Who is about to be reclaimed, as far as ECS says so."""
        return set() if self.ecs_silent else self.truly_doomed

    def runs(self, server: str) -> bool:
        """Whether ECS knows a server, and says that it runs or soon will."""
        known = self.attempt.instances.get(server)
        return known is not None and known.status in RUNS

    def known(self, server: str) -> bool:
        """Whether there is such a server at all."""
        return server in self.attempt.instances

    @cached_property
    def said_gone(self) -> set[str]:
        """Servers that are said to serve nobody any more, and that no scaling group lists in service."""
        if self.body is not None:
            return {e.server for e in self.terminated} if self.body.get("gone") else set()
        finished = self.attempt.words[0] in {"in", "outerr"}
        gone = {e.server for e in self.terminated if finished and self.once(e.server, "")}
        gone -= {s for s in gone if self._lives(s)}
        if self.attempt.words[0] == "deleted":
            unlisted = {e.server for e in self.terminated if self._unlisted(e.server)}
            gone |= {s for s in unlisted if not self.known(s) or self.ecs_unread}
        return gone

    def _unlisted(self, server: str) -> bool:
        """Whether no scaling group lists a server in service, or none does any more."""
        return self.listed.get(server, NOT_LISTED)[0] != "in_service" or (
            self._dropped and self.once(server, "")
        )

    def _lives(self, server: str) -> bool:
        """Whether a server runs, and no check speaks against it: it may have been detached only."""
        known = self.attempt.instances.get(server)
        if known is None or (self.ecs_unread and not self.served.checking(self.group)):
            return False
        if known.status not in RUNS and not self.ecs_unread:
            return False
        return server not in self.served.sick(self.begin)

    @cached_property
    def stale(self) -> set[str]:
        """Servers of the group that nobody lists, and that are ours to tidy up."""
        if self.is_request or not self.sources:
            return set()
        exclusive = self.target.get("exclusive", False)
        said = {
            e.server for e in self.terminated if self.attempt.words[0] == "deleted" and self.known(e.server)
        }
        return {
            b.server_id
            for b in self.start
            if b.server_id not in self.listed and (exclusive or is_ours(b.description))
        } - said

    @cached_property
    def leave(self) -> list[Backend]:
        """The backends of the start that may be taken out, at some moment of the run."""
        if self.is_request:
            held = {s for s in self.kept if not self.once(s, "", "leaving", "pending", "standby")}
            return [
                b for b in self.start
                if any(e.covers(b) for e in self.terminated) and b.server_id not in held
            ]  # fmt: skip
        return [b for b in self.start if b.server_id in self.may_leave]

    @cached_property
    def kept(self) -> set[str]:
        """Servers that a request names as terminated, and a scaling group has in service."""
        if "still_in_service" in self.force:
            return set()
        here = {s for s, (state, _) in self.listed.items() if state == "in_service"}
        return {e.server for e in self.terminated if e.server in here} if self.is_request else set()

    @cached_property
    def leaving(self) -> set[str]:
        """The servers that an event or the timer may take out."""
        named = {
            e.server for e in self.terminated
            if self.attempt.words[0] == "interrupted"
            or self.listed.get(e.server, NOT_LISTED)[0] in {"", "leaving"}
        }  # fmt: skip
        if self.attempt.words[0] == "deleted":
            named = {
                s
                for s in named | {e.server for e in self.terminated}
                if (not self.known(s) or self.ecs_unread) and self._unlisted(s)
            }
        listed = {s for s, (state, _) in self.listed.items() if state == "leaving"}
        return named | listed | self.stale

    @cached_property
    def may_leave(self) -> set[str]:
        """Who may be taken out beside: who is about to be reclaimed, and who is no more."""
        here = {b.server_id for b in self.start}
        unknown = {s for s in here if not self.known(s) and s[:2] == "i-"}
        kinds = {"in", "outerr"} | HOOKS_IN
        named = {e.server for e in self.terminated if self.attempt.words[0] in kinds}
        once = {s for s in here if self.once(s, "leaving") or (s in named and self.once(s, ""))}
        exclusive = self.target.get("exclusive", False)
        ours = {b.server_id for b in self.start if exclusive or is_ours(b.description)}
        stale = {s for s in ours if self.sources and self.once(s, "")}
        doomed = here & (self.doomed_in_the_end | self.truly_doomed) if self.ecs_has_told else set()
        unknown |= {s for s in here if s not in self.attempt.instances_after and s[:2] == "i-"}
        return self.leaving | doomed | unknown | once | stale | self._unseen_for_once

    @property
    def _unseen_for_once(self) -> set[str]:
        """Servers that are said to be deleted, and that a wrong listing left out while a check fails them."""
        said = {e.server for e in self.terminated} if self.attempt.words[0] == "deleted" else set()
        found = said & self.served.sick(self.begin) if self.ecs_unread and self.wrong_listing else set()
        return found if self.played.excused.allow("wrong_listing", found) else set()

    @cached_property
    def come(self) -> set[str]:
        """The servers that may be put in."""
        if self.is_request:
            return {e.server for e in self.launched}
        entering = {
            e.server for e in self.launched
            if self.attempt.words[0] == "hookout" and self.once(e.server, "pending")
        }  # fmt: skip
        come = ({s for s, said in self.ever.items() if ("in_service", True) in said} | entering) - self.doomed
        here = {b.server_id for b in self.start}
        return {s for s in come if not s.startswith("eci") or s in here}  # nobody says another's address

    @cached_property
    def missing(self) -> set[str]:
        """The servers that are to be put in, and are not in when it begins."""
        named = {e.server for e in self.terminated if not self.is_request}
        last = {s for s, said in self.listed.items() if said == ("in_service", True) or said[0] == "pending"}
        return (
            (self.come & last if not self.is_request else self.come)
            - {b.server_id for b in self.start}
            - named
        )

    @cached_property
    def beside(self) -> int:
        """How many new ones serve beside those that they are to replace when it begins."""
        serving = self.served.serving(self.begin)
        named = self.come if self.is_request else {e.server for e in self.launched}
        new = {one for one in serving if one[0] in named}
        old = self.units(self.leave) & serving
        # What is launched may be taken out as well, where its hook is abandoned.
        if self.is_request:
            return min(len(new - old), len(old))
        return min(len(new), len(old - new), max(0, len(serving) - len(self.needed)))

    @cached_property
    def needed(self) -> set[Unit]:
        """The units that are to stay and serve, for all that its scaling groups show."""
        serving = self.served.serving(self.begin) - self.served.dead(self.begin)
        stay = {unit(b) for b in self.start if b.weight > 0 and b.server_id not in self.may_leave}
        always = {s for s, said in self.ever.items() if {state for state, _ in said} == {"in_service"}}
        return {one for one in stay if one in serving or one[0] in always}

    @cached_property
    def most_needed(self) -> int:
        """How many may be thought to have to serve in the end."""
        serving = self.served.serving(self.begin) | self.served.pending(self.begin)
        stay = {unit(b) for b in self.start if b.weight > 0 and b.server_id not in self.leaving}
        here = {b.server_id for b in self.start}
        listed = {one for one in stay if one in serving or self.once(one[0], "in_service")}
        return len(listed) + len(self.come - here)

    @cached_property
    def strictly_least(self) -> int:
        """How many units must serve at each of its steps, by what served when it began."""
        serving = len(self.served.serving(self.begin))
        return max(int(self.target.get("min_backends", 1)), serving - self.spare(serving))

    @cached_property
    def _base(self) -> int:
        serving = self.served.serving(self.begin) - self.served.dead(self.begin)
        return len({one for one in serving if one[0] not in self.said_gone}) - self.beside

    @cached_property
    def least(self) -> int:
        """How many units must serve once what is excused is left out."""
        lowest = 0 if "min_backends" in self.force else int(self.target.get("min_backends", 1))
        if "max_unavailable" in self.force:
            return lowest
        return max(lowest, self._base - self.spare(self._base))

    @cached_property
    def unforced(self) -> int:
        """How many units must serve while they are replaced, whatever is forced."""
        return max(int(self.target.get("min_backends", 1)), self._base - self.spare(self._base))

    def spare(self, of: int) -> int:
        """How many of some units may be out at a time."""
        return share(self.target.get("max_unavailable", "25%"), of)

    def units(self, backends: list[Backend] | tuple[Backend, ...]) -> set[Unit]:
        """The units of some backends."""
        return {unit(b) for b in backends}


#: What is said of a server that a listing leaves out.
NOT_LISTED = ("", True)
STATES = {
    "InService": "in_service", "Protected": "in_service", "Pending": "pending", "Pending:Wait": "pending",
    "Removing": "leaving", "Removing:Wait": "leaving", "Stopped": "leaving", "Standby": "standby",
}  # fmt: skip


def _recycled(instances: Mapping[str, Instance]) -> set[str]:
    return {
        name for name, one in instances.items() if name[:2] == "i-" and "Recycling" in one.operation_locks
    }


def runs_of(played: Played, served: Served, attempt: Attempt) -> Iterator[Run]:
    """Yield what an attempt is in each target that it concerns."""
    kind, *words = attempt.words
    for target in played.setup.targets:
        run = Run(played, served, attempt, target)
        if kind == "request":
            if words[0] == target["name"]:
                yield _requested(run, tuple(words))
            continue
        if kind in EVENTS:
            if f"asg-{words[0]}" not in run.sources:
                continue
            entries = [Entry(server) for server in words[1:]]
        elif kind == "timer":
            if words and target["name"] not in words:
                continue
            entries = []
        else:
            entries = [Entry(server) for server in words]
        if kind in {"out", "hookout"}:
            run.launched = entries
        elif kind != "inerr":
            run.terminated = entries
        yield run


def _requested(run: Run, words: tuple[str, ...]) -> Run:
    body = run.body = request(words)
    inner = {old for old, _ in body["pairs"]}
    run.terminated = [_entry(one) for one in body["terminated"]]
    run.launched = [_entry(one) for one in body["launched"]]
    run.pairs = [tuple(pair) for pair in body["pairs"]]
    named = {e.server for e in run.terminated}
    run.terminated += [Entry(old) for old, _ in run.pairs if old not in named]
    named = {e.server for e in run.launched}
    run.launched += [Entry(new) for _, new in run.pairs if new not in named | inner]
    run.force, run.dry = set(body["force"]), bool(body.get("dry_run"))
    return run


def _entry(said: Any) -> Entry:
    if isinstance(said, str):
        return Entry(said)
    return Entry(
        said["server_id"],
        said.get("port"),
        said.get("server_ip"),
        said.get("weight"),
        said.get("description"),
    )
