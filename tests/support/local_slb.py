"""A small cloud to begin with, and a client that signs by itself: nothing of the local cloud's own code."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from localcloud.cloud import Cloud
from localcloud.http import Headers, Request
from localcloud.rpc.credentials import Registry, new_identity
from localcloud.rpc.gateway import Gateway
from localcloud.slb.entries import Entry
from localcloud.state.readings import validated

_nonces = itertools.count()


def state(old: int = 2, new: int = 2, **top: Any) -> dict[str, Any]:
    """A load balancer with a group of `old` backends, and `new` instances that run beside them."""
    listener = {"port": 80, "protocol": "http", "vserver_group_id": "rsp-web"}
    group = {"vserver_group_id": "rsp-web", "name": "web", "backends": [row(f"i-old{n}") for n in range(old)]}
    balancer = {"load_balancer_id": "lb-web", "listeners": [listener], "vserver_groups": [group]}
    instances = [{"instance_id": f"i-new{n}"} for n in range(new)]
    return {"load_balancers": [balancer], "instances": instances, **top}


def row(server_id: str, port: int = 8080, **more: Any) -> dict[str, Any]:
    return {"server_id": server_id, "port": port, **more}


def cloud(old: int = 2, new: int = 2, **readings: Any) -> Cloud:
    return Cloud(state(old, new, readings=readings))


def old(*numbers: int) -> list[Entry]:
    return [Entry(f"i-old{n}", 8080) for n in numbers]


def new(*numbers: int, weight: int | None = None) -> list[Entry]:
    return [Entry(f"i-new{n}", 8080, weight) for n in numbers]


def ids(backends: Any) -> list[str]:
    return [backend.server_id for backend in backends]


class Asked(Mapping[str, Any]):
    """Readings that remember which of them were asked for."""

    def __init__(self, **chosen: Any) -> None:
        self.values_ = validated(chosen)
        self.names: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.names.append(name)
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def gateway(given: dict[str, Any] | None = None, **options: Any) -> Gateway:
    identity = new_identity("administrator")
    made = Gateway(Cloud(given if given is not None else state()), Registry(identity), **options)
    made.admin = identity  # type: ignore[attr-defined]
    return made


def enc(text: str) -> str:
    return quote(text, safe="~")


def signed(identity: Any, action: str, params: dict[str, str] | None = None, **change: Any) -> dict[str, str]:
    """All parameters of a V1 request, signed for the method in `change`, or GET."""
    method = change.pop("method", "GET")
    everything = {
        "Action": action,
        "Version": "2014-05-15",
        "Format": "JSON",
        "AccessKeyId": identity.access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": f"nonce-{next(_nonces)}",
        "SignatureType": "",
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "RegionId": "cn-hangzhou",
        **({"SecurityToken": identity.security_token} if identity.security_token else {}),
        **(params or {}),
        **change,
    }
    everything = {k: v for k, v in everything.items() if v is not None}
    text = f"{method}&%2F&" + enc("&".join(f"{enc(k)}={enc(v)}" for k, v in sorted(everything.items())))
    digest = hmac.new(f"{identity.access_key_secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return {"Signature": base64.b64encode(digest).decode(), **everything}


def get(made: Gateway, action: str, params: dict[str, str] | None = None, **change: Any) -> tuple[int, Any]:
    """A signed GET; status, and the body as JSON or, asked for as XML, as text."""
    identity = change.pop("identity", made.admin)  # type: ignore[attr-defined]
    query = signed(identity, action, params, **change)
    response = made.handle(Request("GET", "/", urlencode(query), Headers({"Host": "slb.test"})))
    if response.headers["content-type"].startswith("text/xml"):
        return response.status, response.body.decode()
    return response.status, json.loads(response.body)


def post_form(made: Gateway, action: str, params: dict[str, str], **change: Any) -> tuple[int, Any]:
    """A signed POST with everything in the form body, as the Node.js SDK sends it."""
    form = signed(made.admin, action, params, method="POST", **change)  # type: ignore[attr-defined]
    headers = Headers({"Content-Type": "application/x-www-form-urlencoded", "Host": "slb.test"})
    response = made.handle(Request("POST", "/", "", headers, urlencode(form).encode()))
    return response.status, json.loads(response.body)


def listed(*entries: dict[str, Any]) -> str:
    return json.dumps(entries)
