"""Level (c): the template's functions in worker processes, over HTTP with real signatures."""

from __future__ import annotations

import json
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.serving import LocalCloud

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_bqpRaw4cYwwfWi2yyaXie5j2y2Ujk04b"


@dataclass(frozen=True)
class Reply:
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Http:
    """A running local cloud, as somebody outside its process meets it."""

    def __init__(self, endpoint: str, ca_bundle: Path | None = None) -> None:
        self.endpoint = endpoint
        self._tls = ssl.create_default_context(cafile=str(ca_bundle)) if ca_bundle else None

    def send(
        self, method: str, path: str, body: bytes | object = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.endpoint}{path}", data=data or None, method=method, headers=dict(headers or {})
        )
        try:
            with urllib.request.urlopen(request, timeout=120, context=self._tls) as reply:
                return Reply(reply.status, dict(reply.headers), reply.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, dict(error.headers), error.read())

    def put_state(self, state: object) -> None:
        reply = self.send("PUT", "/_local/state", state)
        assert reply.status == 200, reply.body

    def state(self) -> Any:
        return self.send("GET", "/_local/state").json()

    def servers(self, vserver_group_id: str = "rsp-web") -> list[str]:
        """Return the ids of the servers in a group, in order."""
        return [backend["server_id"] for backend in self.backends(vserver_group_id)]

    def backends(self, vserver_group_id: str = "rsp-web") -> list[dict[str, Any]]:
        for balancer in self.state()["load_balancers"]:
            for group in balancer["vserver_groups"]:
                if group["vserver_group_id"] == vserver_group_id:
                    return list(group["backends"])
        raise KeyError(vserver_group_id)

    def history(self, vserver_group_id: str = "rsp-web") -> list[dict[str, Any]]:
        reply = self.send("GET", f"/_local/history?vserver_group_id={vserver_group_id}")
        return list(reply.json())

    def calls(self, *actions: str) -> list[dict[str, Any]]:
        """Return the API calls so far, all or those of some actions."""
        return [
            call
            for call in self.send("GET", "/_local/calls").json()
            if not actions or call["action"] in actions
        ]

    def writes(self) -> list[str]:
        """Return the actions of the calls that wrote to the load balancer."""
        return [
            call["action"]
            for call in self.calls()
            if "VServerGroup" in call["action"] and not call["action"].startswith("Describe")
        ]

    def forget_calls(self) -> None:
        self.send("DELETE", "/_local/calls")

    def deliver(self, event: bytes | object, function: str = "swap") -> Reply:
        return self.send("POST", f"/_local/deliver/{function}", event)

    def webhook(self, body: bytes | object, headers: Mapping[str, str], method: str = "POST") -> Reply:
        return self.send(method, "/fcapp.run/webhook/", body, headers)


def quick_template(folder: Path, name: str = "template.yml") -> Path:
    """Write a template as it is, beside an ``index`` with the entry points of ``tests.support.quick``."""
    path = folder / name
    path.write_text((ROOT / name).read_text())
    entries = "from tests.support.quick import initialize, swap, webhook"
    (folder / "index.py").write_text(f"import sys\n\nsys.path.insert(0, {str(ROOT)!r})\n{entries}\n")
    return path


@contextmanager
def running(
    state: Mapping[str, Any],
    targets: object,
    *,
    quick: bool = True,
    env: Mapping[str, str] | None = None,
    tls: bool = False,
    name: str = "template.yml",
) -> Iterator[Http]:
    """Run the local cloud with a template's functions; ``quick`` turns their clock instead of waiting."""
    with tempfile.TemporaryDirectory() as folder:
        template = quick_template(Path(folder), name) if quick else ROOT / name
        told = {"SWAP_TARGETS": json.dumps(targets), "SWAP_WEBHOOK_SECRETS": SECRET, **(env or {})}
        with LocalCloud(state, template=template, env=told, tls=tls) as cloud:
            yield Http(cloud.endpoint, cloud.ca_bundle)
