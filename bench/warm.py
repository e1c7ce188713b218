"""A warm delivery over a local cloud, beside the same calls by the raw SDK and by the standard library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import importlib
import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from statistics import median
from types import SimpleNamespace
from typing import Any

from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

from handler import main

Call = Mapping[str, Any]
SLB, ESS = "2014-05-15", "2014-08-28"
TARGETS = [{"name": "web", "vserver_group_id": "rsp-web", "scaling_group_ids": ["asg-web"], "ports": [8080]}]


def measure(short: bool) -> Iterator[tuple[str, ...]]:
    """Yield the table of times."""
    yield "", "calls", "handler, ms", "x http.client", "raw SDK, ms", "x http.client", "http.client, ms"
    with _local_cloud() as cloud:
        for pairs in (1, 20, 200):
            rounds = max(3, (9 if short else 60) // (1 + pairs // 20))
            cloud.put(_state(pairs))
            _deliver(cloud, pairs)
            made = cloud.calls()
            # Every way makes the very calls that the function made, on the state that it found.
            ways: dict[str, Callable[[], object]] = {
                "handler": lambda n=pairs: _deliver(cloud, n),  # type: ignore[misc]
                "sdk": lambda m=made: cloud.by_sdk(m),  # type: ignore[misc]
                "stdlib": lambda m=made: cloud.by_stdlib(m),  # type: ignore[misc]
            }
            times: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(rounds):
                for name, work in ways.items():
                    cloud.put(_state(pairs))
                    started = time.perf_counter()
                    work()
                    times[name].append((time.perf_counter() - started) * 1000)
            handler, sdk, stdlib = (median(times[name]) for name in ways)
            yield (
                f"{pairs} gone, {pairs} launched",
                str(len(made)),
                f"{handler:.1f}",
                f"{handler / stdlib:.1f}",
                f"{sdk:.1f}",
                f"{sdk / stdlib:.1f}",
                f"{stdlib:.1f}",
            )


def calls(short: bool) -> Iterator[tuple[str, ...]]:
    """Yield the table of calls, beside the least that docs/rules.md leaves room for.

    Once: the group, its listeners in two calls, health, the scaling group and its instances, 50 a page. Who
    is to be taken out is asked for by its id, 20 at a time. After the last write: group and health again.
    """
    del short
    yield "", "reads", "least", "writes", "least"
    with _local_cloud() as cloud:
        for pairs in (1, 20, 45, 200):
            cloud.put(_state(pairs))
            _deliver(cloud, pairs)
            pages, twenties = -(-pairs // 50), -(-pairs // 20)
            yield (
                f"{pairs} gone, {pairs} launched",
                *_counted(cloud.calls(), 5 + pages + twenties + 2, twenties),
            )
            cloud.forget()
            _deliver(cloud, pairs)
            yield (f"the same again, of {pairs}", *_counted(cloud.calls(), 5 + pages, 0))


def _counted(made: Sequence[Call], reads: int, writes: int) -> tuple[str, ...]:
    written = sum(not call["action"].startswith("Describe") for call in made)
    return str(len(made) - written), str(reads), str(written), str(writes)


def _state(pairs: int) -> dict[str, Any]:
    """A group whose servers are all gone, and a scaling group that has as many new ones."""
    return {
        "load_balancers": [
            {
                "load_balancer_id": "lb-web",
                "backend_quota": 2000,
                "listeners": [{"port": 80, "vserver_group_id": "rsp-web"}],
                "vserver_groups": [
                    {
                        "vserver_group_id": "rsp-web",
                        "name": "web",
                        "backends": [{"server_id": f"i-old{n}", "port": 8080} for n in range(pairs)],
                    }
                ],
            }
        ],
        "scaling_groups": [
            {
                "scaling_group_id": "asg-web",
                "instances": [{"instance_id": f"i-new{n}"} for n in range(pairs)],
            }
        ],
    }


def _deliver(cloud: _LocalCloud, pairs: int) -> None:
    event = {
        "id": "45ef4dew-7c35-447a-bd93-000000000001",
        "source": "acs.ess",
        "specversion": "1.0",
        "type": "ess:ScalingActivity:ScaleInSuccess",
        "aliyunregionid": "cn-hangzhou",
        "data": {
            "scalingGroupId": "asg-web",
            "scalingActivityId": "asa-1",
            "instanceIds": [f"i-old{n}" for n in range(pairs)],
        },
    }
    credentials = SimpleNamespace(
        access_key_id=cloud.key, access_key_secret=cloud.secret, security_token=None
    )
    function = SimpleNamespace(name="swap", timeout=600)
    context = SimpleNamespace(
        request_id="r-1",
        region="cn-hangzhou",
        account_id="1",
        function=function,
        credentials=credentials,
    )
    with redirect_stdout(StringIO()):
        os.environ |= {"SWAP_TARGETS": json.dumps(TARGETS), "SWAP_ENDPOINT": cloud.endpoint}
        if main._instance is None or main._instance.settings.endpoint != cloud.endpoint:
            main.initialize(context)
        result = main.swap(json.dumps(event).encode(), context)
    assert result["outcome"] in {"applied", "unchanged"}, result


@contextmanager
def _local_cloud() -> Iterator[_LocalCloud]:
    serve = [sys.executable, "-m", "localcloud", "serve"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        try:
            yield _LocalCloud(told["endpoint"], told["access_key_id"], told["access_key_secret"])
        finally:
            process.terminate()


class _LocalCloud:
    """The local cloud in another process, and two ways to repeat calls that were made to it."""

    def __init__(self, endpoint: str, key: str, secret: str) -> None:
        self.endpoint, self.key, self.secret = endpoint, key, secret
        self._host = endpoint.removeprefix("http://")
        self._connection = http.client.HTTPConnection(self._host)
        self._client: Any = None

    def put(self, state: object) -> None:
        self._ask("PUT", "/_local/state", json.dumps(state).encode())

    def calls(self) -> list[Call]:
        return list(json.loads(self._ask("GET", "/_local/calls")))

    def forget(self) -> None:
        self._ask("DELETE", "/_local/calls")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"{self.endpoint}{path}", data=body, method=method)
        with urllib.request.urlopen(request) as reply:
            return bytes(reply.read())

    def by_sdk(self, made: Sequence[Call]) -> None:
        if self._client is None:
            self._client = AcsClient(self.key, self.secret, "cn-hangzhou")
        for call in made:
            request = _sdk_request(call)
            request.set_endpoint(self._host)
            for key, value in call["params"].items():
                if key != "RegionId":
                    request.add_query_param(key, value)
            json.loads(self._client.do_action_with_exception(request))

    def by_stdlib(self, made: Sequence[Call]) -> None:
        for call in made:
            params = {
                **call["params"],
                "Action": call["action"],
                "Version": call["version"],
                "Format": "JSON",
                "AccessKeyId": self.key,
                "SignatureMethod": "HMAC-SHA1",
                "SignatureVersion": "1.0",
                "SignatureNonce": uuid.uuid4().hex,
                "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            }
            quoted = "&".join(f"{_quote(k)}={_quote(v)}" for k, v in sorted(params.items()))
            told = f"POST&%2F&{_quote(quoted)}".encode()
            digest = hmac.digest(f"{self.secret}&".encode(), told, hashlib.sha1)
            body = f"{quoted}&Signature={_quote(base64.b64encode(digest).decode())}"
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            self._connection.request("POST", "/", body, headers)
            reply = self._connection.getresponse()
            answer = json.loads(reply.read())
            assert reply.status == 200, answer


def _sdk_request(call: Call) -> Any:
    """Return the SDK's own request; for ECS, whose package does not ship, the core SDK's common one."""
    if call["version"] not in {SLB, ESS}:
        request = CommonRequest("ecs.aliyuncs.com", call["version"], call["action"])
        request.set_method("POST")
        return request
    product, version = ("slb", "v20140515") if call["version"] == SLB else ("ess", "v20140828")
    name = f"{call['action']}Request"
    module = importlib.import_module(f"aliyunsdk{product}.request.{version}.{name}")
    return getattr(module, name)()


def _quote(text: str) -> str:
    return urllib.parse.quote(str(text), safe="-_.~")
