"""Level (b): whole deliveries through ``handler.main`` and the real SDKs, in-process, without a socket.

    world = World("i-1 i-2 i-3", listed="i-2 i-3 i-4")
    told = world.deliver(scaled_in("i-1"))
    assert told.outcome == "applied" and world.servers() == ["i-2", "i-3", "i-4"]

Only the socket and the clock are left out: settings, triggers, signatures, logs, outcome are the real ones.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

from handler import logs, main, settings
from handler.cloud.client import Client
from handler.cloud.credentials import Credentials
from localcloud.cloud import Cloud
from localcloud.credentials import Registry, new_identity
from localcloud.rpc import Gateway
from localcloud.session import InProcessResponse, InProcessSession
from tests.support import builders, deliveries
from tests.support.level_a import FakeClock, Killed

TIMEOUT_S = 600


def place(
    name: str = "web",
    of: str = "",
    listed: str | None = None,
    *,
    hooks: Sequence[Mapping[str, Any]] = (),
    attached: bool = False,
    **also: Any,
) -> dict[str, Any]:
    """The state of a group ``rsp-NAME`` on ``lb-NAME``, fed by ``asg-NAME``; see ``builders.state``."""
    text = json.dumps(builders.state(of, listed, **also))
    for kind in ("lb", "rsp", "asg"):
        text = text.replace(f'"{kind}-web"', f'"{kind}-{name}"')
    state: dict[str, Any] = json.loads(text)
    for group in state["scaling_groups"]:
        group["lifecycle_actions"] = [dict(hook) for hook in hooks]
        group["vserver_groups"] = [f"rsp-{name}"] if attached else []
    return state


def hook(instances: str, *, hook_id: str = "ash-1", token: str = "token-1", **also: Any) -> dict[str, Any]:
    """A lifecycle action that waits, for ``place(hooks=...)``."""
    return {
        "lifecycle_hook_id": hook_id,
        "lifecycle_action_token": token,
        "instance_ids": instances.split(),
        "scaling_activity_id": "asa-1",
        **also,
    }


def merged(*states: Mapping[str, Any]) -> dict[str, Any]:
    """Several places in one state; readings and faults are the first one's."""
    found: dict[str, Any] = {**states[0], "load_balancers": [], "instances": [], "scaling_groups": []}
    known: set[str] = set()
    for state in states:
        found["load_balancers"] += state["load_balancers"]
        found["scaling_groups"] += state["scaling_groups"]
        found["instances"] += [one for one in state["instances"] if one["instance_id"] not in known]
        known |= {one["instance_id"] for one in state["instances"]}
    return found


def target(name: str = "web", *, scaling: bool = True, **policy: Any) -> dict[str, Any]:
    """An entry of SWAP_TARGETS for ``rsp-NAME``."""
    fed = {"scaling_group_ids": [f"asg-{name}"]} if scaling else {}
    return {"name": name, "vserver_group_id": f"rsp-{name}", **fed, "ports": [8080], **policy}


@dataclass(frozen=True)
class Told:
    """What a delivery came to. ``result`` is what was returned, or logged where it was raised."""

    result: Mapping[str, Any]
    raised: str = ""
    killed: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        return "killed" if self.killed else str(self.result.get("outcome"))

    @property
    def reason(self) -> Any:
        return self.result.get("reason")

    def of(self, name: str = "") -> Mapping[str, Any]:
        """The result of one target, or of the only one; the last of several intents for it."""
        return [one for one in self.result["targets"] if name in {"", one["target"]}][-1]

    def refused(self, name: str = "") -> dict[str, str]:
        """Subjects with the reason for which they were refused."""
        return {one["subject"]: one["reason"] for one in self.of(name)["refused"]}

    def pairs(self, name: str = "") -> list[tuple[str, str]]:
        return [(one["old"], one["new"]) for one in self.of(name)["pairs"]]

    def added(self, name: str = "") -> list[str]:
        return [one["server_id"] for one in self.of(name)["added"]]

    def removed(self, name: str = "") -> list[str]:
        return [one["server_id"] for one in self.of(name)["removed"]]


class Looks:
    """What a test reads of a world, at whichever level: the rest is ``state`` and ``_now`` of who has it."""

    name = "web"
    _past: list[dict[str, Any]]

    def state(self) -> dict[str, Any]:
        raise NotImplementedError

    def calls(self, *actions: str) -> list[dict[str, Any]]:
        raise NotImplementedError

    def _history(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def history(self, name: str = "") -> list[dict[str, Any]]:
        """Every state the group was in since the world began, the instants inside a call included."""
        wanted = f"rsp-{name or self.name}"
        return [one for one in [*self._past, *self._history()] if one["vserver_group_id"] == wanted]

    def backends(self, name: str = "") -> list[dict[str, Any]]:
        groups = [group for one in self.state()["load_balancers"] for group in one["vserver_groups"]]
        (found,) = [one for one in groups if one["vserver_group_id"] == f"rsp-{name or self.name}"]
        return list(found["backends"])

    def servers(self, name: str = "") -> list[str]:
        """Ids of the servers in the group, sorted, each as often as it is there."""
        return sorted(one["server_id"] for one in self.backends(name))

    def shown(self, name: str = "") -> str:
        """The group in the words of ``builders``, sorted: ``i-1 i-2:9090=0``."""
        said = []
        for one in self.backends(name):
            port = "" if one["port"] == builders.PORT else f":{one['port']}"
            said.append(one["server_id"] + port + ("" if one["weight"] == 100 else f"={one['weight']}"))
        return " ".join(sorted(said))

    def writes(self) -> list[str]:
        """The actions of the calls that write to a load balancer."""
        return [
            one["action"]
            for one in self.calls()
            if one["version"] == "2014-05-15" and not one["action"].startswith("Describe")
        ]

    def scaling(self, name: str = "") -> dict[str, Any]:
        (found,) = [
            one
            for one in self.state()["scaling_groups"]
            if one["scaling_group_id"] == f"asg-{name or self.name}"
        ]
        return dict(found)

    def hooks(self, name: str = "") -> dict[str, tuple[str, str]]:
        """Status and result of each lifecycle action, by its token."""
        actions = self.scaling(name)["lifecycle_actions"]
        return {one["lifecycle_action_token"]: (one["status"], one["result"]) for one in actions}

    def in_service(self, instant: Mapping[str, Any], gone: str = "") -> set[str]:
        """Who could serve at an instant: some weight, found normal (or checked by nobody), not gone."""
        return {
            one["server_id"]
            for one in instant["backends"]
            if one["weight"] > 0
            and one["health"] in ({"normal"} if self.checked else {"normal", "unavailable"})
            and one["server_id"] not in gone.split()
        }

    checked = True

    def lowest(self, name: str = "", gone: str = "") -> int:
        """The least number of servers in service at any instant."""
        return min(len(self.in_service(one, gone)) for one in self.history(name))

    def ever(self, server: str, name: str = "") -> list[tuple[int, int] | None]:
        """What became of a server: its (port, weight) from instant to instant, None while it is out."""
        found = []
        for one in self.history(name):
            rows = [(b["port"], b["weight"]) for b in one["backends"] if b["server_id"] == server]
            found.append(rows[0] if rows else None)
        return [one for at, one in enumerate(found) if not at or found[at - 1] != one]


class World(Looks):
    """A cloud, the function's targets, and one instance of the function."""

    def __init__(
        self,
        of: str = "",
        listed: str | None = None,
        *,
        name: str = "web",
        places: Sequence[Mapping[str, Any]] = (),
        targets: Sequence[Mapping[str, Any]] | None = None,
        policy: Mapping[str, Any] | None = None,
        timeout_s: float = TIMEOUT_S,
        log_level: str = "INFO",
        seed: int = 0,
        **state: Any,
    ) -> None:
        """``places`` are further groups; ``policy`` is that of the target, ``state`` as ``place`` has it."""
        self.name, self.checked = name, state.get("health_check", True)
        self.cloud = Cloud(merged(place(name, of, listed, **state), *places))
        self.cloud.faults.on_kill = _kill
        self.identity = new_identity("slb-swap/swap", temporary=True)
        self.gateway = Gateway(self.cloud, Registry(self.identity))
        self.clock = FakeClock(seed=seed)
        self.printed: list[str] = []
        self.timeout_s = timeout_s
        #: Done before each call, with its action: what others do meanwhile.
        self.on_call: Callable[[str], object] = lambda action: None
        #: What becomes of each answer on its way, by its action.
        self.on_answer: Callable[[str, Any], Any] = lambda action, answer: answer
        #: When each call was made, by the clock that is turned.
        self.timeline: list[tuple[float, str]] = []
        self._past = []
        wanted = targets or [target(name, scaling=listed is not None, **(policy or {}))]
        self._settings = settings.load(
            {
                "SWAP_TARGETS": json.dumps(wanted),
                "SWAP_WEBHOOK_SECRETS": deliveries.SECRET,
                "LOG_LEVEL": log_level,
            }
        )
        self.restart()

    def beside(self) -> World:
        """Another instance of the function over the same cloud, with a clock of its own."""
        other = copy.copy(self)
        other.clock, other.printed, other.timeline = FakeClock(self.clock.at, seed=1), [], []
        other.restart()
        return other

    def restart(self) -> None:
        """Another instance of the function: a cold start."""
        client = Client(Credentials(".", "."), deliveries.REGION)
        client.session = self.session = _Session(self)
        self._instance = main._Instance(self._settings, client)

    def deliver(self, event: Any) -> Told:
        """Hand a delivery to ``handler.main.swap``."""
        raw = event if isinstance(event, bytes) else json.dumps(event).encode()
        with _patched():
            return self._swap(raw)

    def request(self, body: Mapping[str, Any] | bytes = b"", *, sign: bool = True, **also: Any) -> Told:
        """Send a request to the HTTP trigger of ``swap``, signed; ``also`` are its fields."""
        raw = (
            body
            if isinstance(body, bytes) and not also
            else json.dumps({"target": self.name, **dict(body or {}), **also}).encode()
        )
        headers = deliveries.signed(raw) if sign else {"content-type": "application/json"}
        return self.deliver(deliveries.http_event(raw, headers))

    def _swap(self, raw: bytes) -> Told:
        token = _here.set(self)
        before = len(self.printed)
        logs.configure(self._settings.log_level)
        try:
            answer = main.swap(raw, self._context())
        except main.NotYet as raised:
            return Told(self._logged(before), str(raised))
        except Killed:
            self.restart()
            return Told({}, killed=True)
        finally:
            _here.reset(token)
        if "statusCode" in answer:
            return Told(json.loads(answer["body"]), "", False, answer["statusCode"], answer["headers"])
        return Told(json.loads(json.dumps(answer)))

    def _logged(self, since: int) -> dict[str, Any]:
        lines = [json.loads(line) for line in "".join(self.printed[since:]).splitlines()]
        return dict(next(one for one in reversed(lines) if one["event"] == "swap.unfinished"))

    def logs(self, *events: str) -> list[dict[str, Any]]:
        """Everything that was logged, or what is called so."""
        lines = [json.loads(line) for line in "".join(self.printed).splitlines()]
        return [one for one in lines if not events or one["event"] in events]

    def _context(self) -> Any:
        given = self.identity
        keys = SimpleNamespace(
            access_key_id=given.access_key_id,
            access_key_secret=given.access_key_secret,
            security_token=given.security_token,
        )
        return SimpleNamespace(
            request_id="req-b",
            region=deliveries.REGION,
            account_id=deliveries.ACCOUNT,
            function=SimpleNamespace(name="swap", timeout=self.timeout_s),
            credentials=keys,
        )

    def state(self) -> dict[str, Any]:
        return self.cloud.state()

    def _history(self) -> list[dict[str, Any]]:
        return self.cloud.history()

    def calls(self, *actions: str) -> list[dict[str, Any]]:
        return [one for one in self.gateway.calls if not actions or one["action"] in actions]

    def forget_calls(self) -> None:
        self.gateway.calls.clear()

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the state by its JSON; the history goes on."""
        state = self.cloud.state()
        change(state)
        self._past += self.cloud.history()
        self.cloud.replace(state)

    def faults(self, *faults: Mapping[str, Any]) -> None:
        self.cloud.put_faults(list(faults))

    def lists(self, listed: str, name: str = "") -> None:
        """Let the scaling group list these from now on, in the words of ``builders.servers``."""
        self.edit(lambda state: relisted(state, name or self.name, listed))

    def health(self, instance: str, health: str) -> None:
        self.edit(lambda state: _find(state["instances"], "instance_id", instance).update(health=health))

    def release(self, instance: str) -> None:
        self.cloud.world.release(instance)


class _Session(InProcessSession):
    """The session of one instance; what happens at a call, and to its answer, is the world's to say."""

    def __init__(self, world: World) -> None:
        super().__init__(world.gateway)
        self._world = world

    def send(self, prepared: Any, **also: Any) -> InProcessResponse:
        action = dict(parse_qsl(urlsplit(prepared.url).query))["Action"]
        self._world.timeline.append((self._world.clock.at, action))
        self._world.on_call(action)
        response = super().send(prepared, **also)
        if response.status_code == 200:
            with contextlib.suppress(ValueError):
                answer = self._world.on_answer(action, json.loads(response.content))
                response.content = json.dumps(answer).encode()
        return response


def relisted(state: dict[str, Any], name: str, listed: str) -> None:
    """Give the scaling group of a state other members; those that are not known yet start to run."""
    fresh = place(name, "", listed)
    group = _find(state["scaling_groups"], "scaling_group_id", f"asg-{name}")
    group["instances"] = fresh["scaling_groups"][0]["instances"]
    known = {one["instance_id"] for one in state["instances"]}
    state["instances"] += [one for one in fresh["instances"] if one["instance_id"] not in known]


def _find(rows: list[dict[str, Any]], key: str, value: str) -> dict[str, Any]:
    return next(row for row in rows if row[key] == value)


def _kill(_: object) -> None:
    raise Killed


_here: ContextVar[World] = ContextVar("_here")
_lock = threading.Lock()
_depth = 0
_undo: list[Any] = []


class _Stdout(io.TextIOBase):
    """Standard output of whichever instance writes."""

    def write(self, text: str) -> int:
        _here.get().printed.append(text)
        return len(text)


_STDOUT = _Stdout()


class _Instance:
    """The instance of whichever world delivers, for ``handler.main`` to keep."""

    settings = property(lambda _: _here.get()._instance.settings)
    client = property(lambda _: _here.get()._instance.client)


@contextmanager
def _patched() -> Iterator[None]:
    """Give ``handler.main`` the instance, clock and standard output of the world that is delivering."""
    global _depth  # noqa: PLW0603 - threads that deliver at once share what is patched
    with _lock:
        if not _depth:
            patches = [
                mock.patch.object(main, "_instance", _Instance()),
                mock.patch.object(main, "_Clock", lambda: _here.get().clock),
                mock.patch.object(sys, "stdout", _STDOUT),
            ]
            _undo[:] = patches
            for patch in patches:
                patch.start()
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if not _depth:
                for patch in reversed(_undo):
                    patch.stop()


def in_lockstep(
    worlds: Sequence[World], events: Sequence[Any], order: Callable[[list[int]], int]
) -> list[Told]:
    """Deliver to several instances at once, over one cloud; before each call ``order`` says whose turn it is.

    The worlds share a gateway (see ``World.beside``). Deterministic: one call is made at a time.
    """
    turns = _Turns(len(worlds))
    told: dict[int, Told] = {}

    def run(me: int) -> None:
        try:
            turns.wait(me)
            told[me] = worlds[me]._swap(json.dumps(events[me]).encode())
        finally:
            turns.end(me)

    threads = [threading.Thread(target=run, args=(me,), daemon=True) for me in range(len(worlds))]
    for me, world in enumerate(worlds):
        world.session.send = _taking_turns(world.session.send, turns, me)  # type: ignore[method-assign]
    with _patched():
        for thread in threads:
            thread.start()
        while waiting := turns.waiting():
            turns.give(order(waiting))
        for thread in threads:
            thread.join(10)
    for world in worlds:
        del world.session.send  # and the class's own is back
    return [told[me] for me in range(len(worlds))]


def _taking_turns(send: Callable[..., Any], turns: _Turns, me: int) -> Callable[..., Any]:
    def waited(prepared: Any, **also: Any) -> Any:
        turns.wait(me)
        return send(prepared, **also)

    return waited


class _Turns:
    """Who waits, and whose turn it is; nobody moves while somebody else does."""

    def __init__(self, count: int) -> None:
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._running = set(range(count))
        self._turn: int | None = None

    def wait(self, me: int) -> None:
        with self._changed:
            self._waiting.add(me)
            self._running.discard(me)
            self._changed.notify_all()
            while self._turn != me:
                if not self._changed.wait(30):
                    raise AssertionError("nobody gives a turn")
            self._turn = None

    def end(self, me: int) -> None:
        with self._changed:
            self._running.discard(me)
            self._changed.notify_all()

    def waiting(self) -> list[int]:
        """Who waits, once nobody moves; none when all have ended."""
        with self._changed:
            while self._running:
                if not self._changed.wait(30):
                    raise AssertionError("somebody runs for ever")
            return sorted(self._waiting)

    def give(self, turn: int) -> None:
        with self._changed:
            self._waiting.discard(turn)
            self._running.add(turn)
            self._turn = turn
            self._changed.notify_all()
