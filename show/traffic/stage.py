"""The stage: a local cloud with a group of servers, and HAProxy in front of real ones."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from localcloud.serving import LocalCloud
from localcloud.state.world import Backend, Instance, Member
from show.local import ask, log, request
from show.signing import SECRET
from show.traffic.balancer import Balancer
from show.traffic.haproxy import HAProxy
from show.traffic.instances import PORT, Build, Fleet
from show.traffic.sender import Sender

ROOT = Path(__file__).resolve().parents[2]
GROUP, SCALING_GROUP = "rsp-web", "asg-web"
#: So long a new build has to become healthy, and a preemptible instance has from its interruption to its end.
#: Checks find a healthy server in a tenth of a second.
HEALTH_S, NOTICE_S = 8.0, 5.0


def build_of(instance_id: str, pace: float = 1.0) -> Build:
    """Three of four new servers answer after 1.5 s, the fourth after 3; `bad` ones never become healthy.

    `pace` shortens all times.
    """
    number = int("".join(filter(str.isdigit, instance_id)) or 0)
    return Build(pace * (1.5 if number % 4 else 3.0), bad="bad" in instance_id)


class Stage:
    """All of it, for a `with` block; the group is in service once it is entered."""

    def __init__(self, servers: int, strategy: str, pace: float = 1.0) -> None:
        self._servers, self._made = servers, 0
        self.notice_s = NOTICE_S * pace
        self._folder = Path(tempfile.mkdtemp(prefix="slb-swap-traffic-"))
        self.fleet = Fleet(self._folder, lambda i: Build() if i.startswith("i-first") else build_of(i, pace))
        ids = [f"i-first{n:02d}" for n in range(1, servers + 1)]
        self.fleet.keep(ids)
        self.cloud = LocalCloud(
            _state(ids), template=ROOT / "template.yml",
            env={"SWAP_TARGETS": _targets(strategy, pace), "SWAP_WEBHOOK_SECRETS": SECRET},
        )  # fmt: skip
        self.proxy = HAProxy(self._folder, _free_port(), GROUP)
        self._balancer = Balancer(self.cloud, GROUP, self.proxy, self._address)
        self._calls: list[dict[str, Any]] = []
        self._closed = threading.Event()
        self._pump = threading.Thread(target=self._turn, daemon=True)

    def __enter__(self) -> Stage:
        self._pump.start()
        self.until(lambda: self.healthy() == self._servers, "the first servers to be healthy")
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self.cloud.close()
        self.fleet.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def end(self) -> Counter[str]:
        """End HAProxy; how many requests failed, by the cause that its log names."""
        if not self._closed.is_set():
            self._closed.set()
            self._pump.join(10)
            self.proxy.close()
        return self.proxy.causes()

    # ---- what there is

    def group(self) -> list[str]:
        """The servers of the group that have a weight."""
        with self.cloud.gateway.lock:
            return [b.server_id for b in self.cloud.cloud.world.groups[GROUP].backends if b.weight]

    def healthy(self) -> int:
        """How many servers of the group the checks find healthy."""
        with self.cloud.gateway.lock:
            instances = self.cloud.cloud.world.instances
            ids = {b.server_id for b in self.cloud.cloud.world.groups[GROUP].backends if b.weight}
            return sum(i in instances and instances[i].health == "normal" for i in ids)

    def until(self, holds: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
        """Wait for something; TimeoutError says for what."""
        end = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {timeout_s:g} s for {what}")
            time.sleep(0.02)

    # ---- what happens

    def pause(self, seconds: float) -> None:
        """Let time go by."""
        time.sleep(seconds)

    def launch(self, kind: str = "new", *, scaled: bool = True) -> list[str]:
        """Launch as many instances as there are servers; `scaled`: the scaling group lists these alone."""
        self._made += 1
        ids = [f"i-{kind}{self._made:02d}{n:02d}" for n in range(1, self._servers + 1)]
        with self.cloud.gateway.lock:
            world = self.cloud.cloud.world
            for i in ids:
                world.set_instance(Instance(i, health="unavailable"))
            if scaled:
                group = world.scaling_groups[SCALING_GROUP]
                members = tuple(Member(i) for i in ids)
                world.scaling_groups[SCALING_GROUP] = replace(group, instances=members)
        return ids

    def release(self, ids: list[str]) -> None:
        """Release instances: they die at once."""
        with self.cloud.gateway.lock:
            for i in ids:
                self.cloud.cloud.world.release(i)

    def call(self, action: str, **params: Any) -> None:
        """Call SLB about the group, as another program would; it takes 30 ms. ApiError as it refuses."""
        time.sleep(0.03)
        now = datetime.now(timezone.utc).isoformat()
        texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in params.items()}
        with self.cloud.gateway.lock:
            line = {
                "event": "cloud.call",
                "time": now,
                "action": action.partition("VServer")[0],
                "result": "failed",
            }
            self._calls.append(line)
            self.cloud.cloud.call(action, {"VServerGroupId": GROUP, **texts})
            line["result"] = "applied"

    def refuse_once(self, action: str) -> None:
        """Let the next call of an action fail, as a service that is briefly not there."""
        with self.cloud.gateway.lock:
            self.cloud.cloud.put_faults(
                [{"action": action, "error": "ServiceUnavailable", "status": 503, "times": 1}]
            )

    def request(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a signed request to the function, and return its answer."""
        return dict(request(self.cloud, body)[1])

    def scaling(self, kind: str, order: Mapping[str, Any]) -> None:
        """Tell the scaling group to do something, and wait until it and all that came of it are over."""
        ask(self.cloud, "POST", f"/_local/scaling_groups/{SCALING_GROUP}/{kind}", order)
        self.until(
            lambda: all(a["status"] != "InProgress" for a in self.cloud.activities.reports()),
            f"the scaling group to {kind}", 120,
        )  # fmt: skip
        ask(self.cloud, "POST", "/_local/async/drain")

    def sender(self, rate: int) -> Sender:
        """Begin to send requests."""
        return Sender(f"http://127.0.0.1:{self.proxy.port}/", rate, self._folder / "h2load.log")

    def log(self) -> list[str]:
        """The lines that the function has logged."""
        return log(self.cloud)

    def groups(self) -> list[dict[str, Any]]:
        """The states that the group was in and the calls of others, as lines beside the function's."""
        return [*self._balancer.lines, *self._calls]

    def _address(self, backend: Backend) -> str:
        return f"{self.fleet.address(backend.server_id)}:{PORT}"

    def _turn(self) -> None:
        while not self._closed.wait(0.03):
            with self.cloud.gateway.lock:
                running = [i.instance_id for i in self.cloud.cloud.world.instances.values()]
            self.fleet.keep(running)
            self._balancer.tick()


def chunks(ids: list[str], size: int = 20) -> list[list[str]]:
    """At most 20 backends a call (TooManyBackendServers)."""
    return [ids[n : n + size] for n in range(0, len(ids), size)]


def entries(ids: list[str]) -> list[dict[str, Any]]:
    """Servers as the parameter BackendServers has them."""
    return [{"ServerId": i, "Port": PORT, "Weight": 100, "Type": "ecs"} for i in ids]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _targets(strategy: str, pace: float) -> str:
    health = {"timeout_s": HEALTH_S * pace, "interval_s": 0.2}
    target = {
        "name": "web", "vserver_group_id": GROUP, "scaling_group_ids": [SCALING_GROUP], "ports": [PORT],
        "weight": 100, "strategy": strategy, "exclusive": True, "health": health,
    }  # fmt: skip
    return json.dumps([target])


def _state(ids: list[str]) -> dict[str, Any]:
    return {
        "load_balancers": [
            {
                "load_balancer_id": "lb-web",
                "listeners": [{"port": 80, "protocol": "http", "vserver_group_id": GROUP}],
                "vserver_groups": [
                    {
                        "vserver_group_id": GROUP,
                        "name": "web",
                        "backends": [{"server_id": i, "port": PORT, "weight": 100} for i in ids],
                    }
                ],
            }
        ],
        "instances": [{"instance_id": i, "health": "unavailable"} for i in ids],
        "scaling_groups": [
            {"scaling_group_id": SCALING_GROUP, "instances": [{"instance_id": i} for i in ids]}
        ],
        "readings": {"used_before_check": False, "weight0_checked": True, "modify_atomic": False},
    }
