"""The local cloud in a process of its own, what it is filled with, and its calls made again by others."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import importlib
import json
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http.protocol_type import HTTP, HTTPS
from aliyunsdkcore.request import CommonRequest

Call = Mapping[str, Any]
SLB, ESS = "2014-05-15", "2014-08-28"
TARGETS = [{"name": "web", "vserver_group_id": "rsp-web", "scaling_group_ids": ["asg-web"], "ports": [8080]}]


def state(pairs: int, **readings: Any) -> dict[str, Any]:
    """A group whose servers are all gone, and a scaling group that has as many new ones."""
    backends = [{"server_id": f"i-old{n}", "port": 8080} for n in range(pairs)]
    return {
        "load_balancers": [
            {
                "load_balancer_id": "lb-web",
                "backend_quota": 2000,
                "listeners": [{"port": 80, "vserver_group_id": "rsp-web"}],
                "vserver_groups": [{"vserver_group_id": "rsp-web", "name": "web", "backends": backends}],
            }
        ],
        "scaling_groups": [
            {
                "scaling_group_id": "asg-web",
                "instances": [{"instance_id": f"i-new{n}"} for n in range(pairs)],
            }
        ],
        "instances": [
            *({"instance_id": f"i-old{n}", "status": "Stopped"} for n in range(pairs)),
            *({"instance_id": f"i-new{n}"} for n in range(pairs)),
        ],
        "readings": readings,
    }


def event(pairs: int) -> dict[str, Any]:
    """Auto Scaling's word that all old ones are gone."""
    return {
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


@contextmanager
def serving(*, tls: bool = False) -> Iterator[Cloud]:
    """A local cloud, for as long as the block lasts."""
    serve = [sys.executable, "-m", "localcloud", "serve", *(["--tls"] if tls else [])]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield Cloud(json.loads(process.stdout.readline()))
        finally:
            process.terminate()


class Cloud:
    """The local cloud, and two ways to repeat calls that were made to it."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.endpoint: str = told["endpoint"]
        self.key, self.secret = told["access_key_id"], told["access_key_secret"]
        self.bundle: str | None = told.get("ca_bundle")
        self._tls = ssl.create_default_context(cafile=self.bundle) if self.bundle else None
        parts = urllib.parse.urlsplit(self.endpoint)
        self.host = parts.netloc
        if self._tls:
            self._connection: Any = http.client.HTTPSConnection(self.host, context=self._tls)
        else:
            self._connection = http.client.HTTPConnection(self.host)
        self._client: Any = None

    def put(self, filled: object) -> None:
        self._ask("PUT", "/_local/state", filled)

    def delay(self, seconds: float) -> None:
        """Let every call take so long."""
        faults = [{"action": "*", "effect": "delay", "seconds": seconds, "every": 1}] if seconds else []
        self._ask("PUT", "/_local/faults", faults)

    def calls(self) -> list[Call]:
        return list(json.loads(self._ask("GET", "/_local/calls")))

    def forget(self) -> None:
        self._ask("DELETE", "/_local/calls")

    def _ask(self, method: str, path: str, body: object = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}{path}", data=data, method=method)
        with urllib.request.urlopen(request, context=self._tls) as reply:
            return bytes(reply.read())

    def by_sdk(self, made: Sequence[Call]) -> None:
        if self._client is None:
            self._client = AcsClient(self.key, self.secret, "cn-hangzhou", verify=self.bundle)
        for call in made:
            request = sdk_request(call)
            request.set_endpoint(self.host)
            request.set_protocol_type(HTTPS if self._tls else HTTP)
            for name, value in call["params"].items():
                if name != "RegionId":
                    request.add_query_param(name, value)
            json.loads(self._client.do_action_with_exception(request))

    def by_stdlib(self, made: Sequence[Call]) -> None:
        for call in made:
            body = signed(call, self.key, self.secret)
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            self._connection.request("POST", "/", body, headers)
            reply = self._connection.getresponse()
            answer = json.loads(reply.read())
            assert reply.status == 200, answer


def sdk_request(call: Call) -> Any:
    """Return the SDK's own request; for ECS, whose package does not ship, the core SDK's common one."""
    if call["version"] not in {SLB, ESS}:
        request = CommonRequest("ecs.aliyuncs.com", call["version"], call["action"])
        request.set_method("POST")
        return request
    product, version = ("slb", "v20140515") if call["version"] == SLB else ("ess", "v20140828")
    name = f"{call['action']}Request"
    return getattr(importlib.import_module(f"aliyunsdk{product}.request.{version}.{name}"), name)()


def signed(call: Call, key: str, secret: str) -> str:
    """Return a call as a form, signed by hand."""
    params = {
        **call["params"],
        "Action": call["action"],
        "Version": call["version"],
        "Format": "JSON",
        "AccessKeyId": key,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid.uuid4().hex,
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    quoted = "&".join(f"{_quote(k)}={_quote(v)}" for k, v in sorted(params.items()))
    digest = hmac.digest(f"{secret}&".encode(), f"POST&%2F&{_quote(quoted)}".encode(), hashlib.sha1)
    return f"{quoted}&Signature={_quote(base64.b64encode(digest).decode())}"


def _quote(text: str) -> str:
    return urllib.parse.quote(str(text), safe="-_.~")


def authorities(cloud: Cloud, folder: Path) -> str:
    """Return a bundle as large as the real one, with the local cloud's authority in it."""
    certifi = importlib.import_module("aliyunsdkcore.vendored.requests.certs")
    assert cloud.bundle is not None
    path = folder / "bundle.pem"
    path.write_text(Path(certifi.where()).read_text() + "\n" + Path(cloud.bundle).read_text())
    return str(path)
