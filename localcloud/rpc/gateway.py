"""The RPC gateway, without sockets: signature and permission are checked, a model answers."""

import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from localcloud.cloud import ECS_VERSION, ESS_VERSION, SLB_VERSION, Cloud
from localcloud.ecs import actions as ecs_actions
from localcloud.ess import actions as ess_actions
from localcloud.faults import GARBAGE, Fault, GarbageAnswer
from localcloud.http import ConnectionCut, Headers, Request, Response
from localcloud.rpc.credentials import Identity, Registry
from localcloud.rpc.errors import ApiError
from localcloud.rpc.forms import answer_body, error_body
from localcloud.rpc.params import required
from localcloud.rpc.permissions import Authorizer
from localcloud.rpc.signatures import Verifier
from localcloud.slb import actions as slb_actions
from localcloud.state.world import ACCOUNT, REGION

SERVICES: dict[str, tuple[str, Collection[str]]] = {
    SLB_VERSION: ("slb", slb_actions.ACTIONS),
    ESS_VERSION: ("ess", ess_actions.ACTIONS),
    ECS_VERSION: ("ecs", ecs_actions.ACTIONS),
}
SECRETS = {
    "AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "SignatureType",
    "SecurityToken", "Timestamp",
}  # fmt: skip
COMMON = SECRETS | {"Action", "Version", "Format", "RegionId"}


@dataclass(slots=True)
class Call:
    """A call as it is being answered."""

    request_id: str
    host: str
    format: str = "JSON"
    action: str = ""
    version: str = ""
    params: dict[str, str] | None = None
    identity: Identity | None = None
    fault: Fault | None = None


class Gateway:
    """Answers RPC requests from one cloud. `lock` guards it, and is not held while a fault waits or kills."""

    def __init__(
        self,
        cloud: Cloud,
        identities: Registry,
        *,
        region_id: str = REGION,
        account_id: str = ACCOUNT,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] | None = None,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()).upper(),
    ) -> None:
        """`sleep` is what the fault `delay` calls; without one it delays nothing."""
        self.cloud = cloud
        self.lock = threading.RLock()
        self.calls: list[dict[str, Any]] = []
        self.region_id, self.account_id = region_id, account_id
        self._verifier = Verifier(identities)
        self._authorizer = Authorizer(cloud, region_id, account_id)
        self._clock, self._sleep, self._new_id = clock, sleep, new_id

    def handle(self, request: Request) -> Response:
        """The answer to a request; ConnectionCut where there is to be none."""
        call = Call(self._new_id(), request.headers.get("host", "localhost"))
        try:
            return self._done(call, 200, None, self._answer(call, request))
        except ApiError as error:
            return self._done(
                call, error.status, error.code, error_body(call.format, call.request_id, call.host, error)
            )
        except GarbageAnswer:
            self._record(call, 200, None)
            return Response(200, Headers({"Content-Type": "text/html"}), GARBAGE)
        except ConnectionCut:
            self._record(call, None, None)
            raise

    def _answer(self, call: Call, request: Request) -> bytes:
        query = parse_qsl(request.query_string, keep_blank_values=True)
        form = _form(request)
        headers = request.headers
        params = self._visible(dict(query), dict(form))
        call.format = "XML" if (dict(form) | dict(query)).get("Format", "JSON").upper() == "XML" else "JSON"
        call.params = {k: v for k, v in params.items() if k not in COMMON or k == "RegionId"}
        call.action = headers.get("x-acs-action") or params.get("Action") or ""
        call.version = headers.get("x-acs-version") or params.get("Version") or ""
        known = {"Action": call.action, "Version": call.version}
        required(known, "Action")
        required(known, "Version")
        if call.version not in SERVICES:
            raise ApiError("NoSuchVersion")
        service, actions = SERVICES[call.version]
        if call.action not in actions:
            raise ApiError("InvalidAction.NotFound")
        if request.method not in {"GET", "POST"}:
            raise ApiError("UnsupportedOperation", "The specified HTTP method is not supported.")
        with self.lock:
            call.identity = self._verifier.verify(request, query, form, self._clock())
            seen = self._authorizer.check(call.identity, service, call.action, params)
            call.fault = fault = self.cloud.faults.strike(call.action, params)
        if fault is not None and fault.effect == "delay" and self._sleep is not None:
            self._sleep(fault.seconds)
        return self.cloud.faults.around(fault, lambda: self._apply(call, seen), call.identity)

    def _apply(self, call: Call, seen: Mapping[str, str]) -> bytes:
        with self.lock:
            self.cloud.world.request_id = call.request_id
            try:
                result = self.cloud.apply(call.action, seen)
            finally:
                self.cloud.world.request_id = None
            old = self.cloud.world.readings["response_form"] == "enveloped"
        return answer_body(call.format, call.action, {"RequestId": call.request_id, **result}, old=old)

    def _visible(self, query: dict[str, str], form: dict[str, str]) -> dict[str, str]:
        """The parameters an action sees. Reading body_params: whether the form body's are among them."""
        own = form.keys() - COMMON - query.keys()
        if own and self.cloud.world.readings["body_params"] == "ignored":
            form = {k: v for k, v in form.items() if k not in own}
        return form | query

    def _done(self, call: Call, status: int, code: str | None, body: bytes) -> Response:
        self._record(call, status, code)
        kind = "text/xml;charset=utf-8" if call.format == "XML" else "application/json;charset=utf-8"
        return Response(status, Headers({"Content-Type": kind, "x-acs-request-id": call.request_id}), body)

    def _record(self, call: Call, status: int | None, code: str | None) -> None:
        entry: dict[str, Any] = {
            "action": call.action,
            "version": call.version,
            "params": call.params or {},
            "status": status,
            "code": code,
            "request_id": call.request_id,
            "caller": call.identity.name if call.identity else None,
        }
        if call.fault is not None:
            entry["fault"] = call.fault.effect or "error"
        with self.lock:
            self.calls.append(entry)


def _form(request: Request) -> list[tuple[str, str]]:
    kind = request.headers.get("content-type", "")
    if not request.body or not kind.startswith("application/x-www-form-urlencoded"):
        return []
    try:
        return parse_qsl(request.body.decode(), keep_blank_values=True)
    except UnicodeDecodeError:
        raise ApiError("InvalidParameter", "The request body is not UTF-8.", 400) from None
