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
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

from handler import logs, main, settings
from handler.cloud.client import Client
from handler.cloud.credentials import Credentials
from handler.cloud.endpoints import Endpoints
from handler.running.beside import in_turn
from localcloud.cloud import Cloud
from localcloud.rpc.credentials import Registry, new_identity
from localcloud.rpc.gateway import Gateway
from localcloud.rpc.ram import RamPolicy, Statement
from localcloud.rpc.session import InProcessResponse, InProcessSession
from tests.support import deliveries
from tests.support.level_a import FakeClock, Killed
from tests.support.looks import Looks, Told
from tests.support.places import find, merged, place, relisted, target

TIMEOUT_S = 600


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
        denied: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        **state: Any,
    ) -> None:
        """``places`` are further groups; ``policy`` is that of the target, ``state`` as ``place`` has it.

        ``environ`` are further variables; ``denied`` are actions that the function's role may not do
        (``ecs:DescribeInstances``).
        """
        self.name, self.checked = name, state.get("health_check", True)
        self.cloud = Cloud(merged(place(name, of, listed, **state), *places))
        self.cloud.faults.on_kill = _kill
        everything = [Statement("Allow", ("*",), ("*",))]
        refused = [Statement("Deny", tuple(denied), ("*",))] if denied else []
        self.identity = new_identity(
            "slb-swap/swap", temporary=True, policy=RamPolicy((*everything, *refused))
        )
        self.gateway = Gateway(self.cloud, Registry(self.identity))
        self.clock = FakeClock(seed=seed)
        self.cloud.use_clock(self.clock.now)
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
                **(environ or {}),
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
        client = Client(Credentials(".", "."), deliveries.REGION, Endpoints())
        client.transport.session = self.session = _Session(self)
        self._instance = main._Instance(self._settings, client)

    def deliver(self, event: Any) -> Told:
        """Hand a delivery to ``handler.main.swap``."""
        raw = event if isinstance(event, bytes) else json.dumps(event).encode()
        with patched():
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

    def change(self, instance: str, **fields: Any) -> None:
        """Change an instance: ``status``, ``operation_locks``, ``health_by_listener`` and the like."""
        self.edit(lambda state: find(state["instances"], "instance_id", instance).update(fields))

    def health(self, instance: str, health: str) -> None:
        self.change(instance, health=health)

    def reclaim(self, *instances: str) -> None:
        """ECS is about to reclaim these, and has locked them."""
        for instance in instances:
            self.change(instance, operation_locks=["Recycling"])

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
def patched() -> Iterator[None]:
    """Give ``handler.main`` the instance, clock and standard output of the world that is delivering."""
    global _depth  # noqa: PLW0603 - threads that deliver at once share what is patched
    with _lock:
        if not _depth:
            patches = [
                mock.patch.object(main, "_instance", _Instance()),
                mock.patch.object(main, "_Clock", lambda: _here.get().clock),
                mock.patch.object(main, "_beside", in_turn),
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
