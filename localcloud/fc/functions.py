"""Function Compute, locally: a template's functions, invoked by API and HTTP trigger.

Both generations: API 2016-08-15 (2.0) and 2023-03-30 (3.0).
"""

import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote

from localcloud.ess.notices import Notice, publish
from localcloud.fc import invocations
from localcloud.fc.calls import Place
from localcloud.fc.deliveries import http_event
from localcloud.fc.fleet import Deployment, Fleet
from localcloud.fc.invocations import Invoker
from localcloud.fc.local_endpoints import LocalEndpoints
from localcloud.fc.signature import Refused, verified
from localcloud.fc.workers import Busy
from localcloud.http import Headers, Request, Response
from localcloud.rpc.credentials import Identity, Registry
from localcloud.rpc.errors import ApiError
from localcloud.rpc.ram import RamPolicy
from localcloud.rpc.signatures import Verifier
from localcloud.state.readings import TABLE, Readings, Value
from localcloud.template.deployed import Function, Trigger

_INVOCATIONS = re.compile(r"/2016-08-15/services/([^/]+)/functions/([^/]+)/invocations/?")
_PROXY = re.compile(r"/2016-08-15/proxy/([^/]+)/([^/]+)(/.*)?")
_NEWER = "/2023-03-30/"
_NEWER_INVOCATIONS = re.compile(r"/2023-03-30/functions/([^/]+)/invocations/?")
#: In the cloud, the HTTP trigger of a function has a host of its own, whatever the function's generation.
_TRIGGER = re.compile(r"/fcapp\.run/([^/]+)(/.*)?")

_ITS_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "SignatureDoesNotMatch": "SignatureNotMatch",
        "IncompleteSignature": "SignatureNotMatch",
        "InvalidAccessKeyId.NotFound": "InvalidAccessKeyID",
    }
)

ONE_WRITER: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(["swap", *(f"swap-{number}" for number in range(2, 17))], 1)
)
"""What is set by hand, since the template's format cannot say it: the most instances of a function."""


class Functions:
    """The functions of a template, at work. Threads may call everything here at once."""

    def __init__(
        self,
        template_path: Path,
        *,
        endpoint: str,
        region_id: str,
        account_id: str,
        identities: Registry,
        params: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        state: Callable[[], Mapping[str, Any]] = dict,
        instances: Mapping[str, int] = ONE_WRITER,
        ca_bundle: str | None = None,
        warm: bool = False,
        python: Sequence[str] = (),
        echo: bool = False,
        clock: Callable[[], float] = time.time,
        readings: Callable[[], Readings] = dict,
    ) -> None:
        self._place = Place(region_id, account_id, identities)
        self._fleet = Fleet(
            Deployment(
                path=template_path,
                endpoint=endpoint,
                place=self._place,
                state=state,
                instances=instances,
                params=params or {},
                env=env or {},
                ca_bundle=ca_bundle,
                warm=warm,
                python=python,
                echo=echo,
            )
        )
        self._clock = clock
        self._invoker = Invoker(self._fleet, clock)
        self._readings = readings
        self._acs3 = Verifier(identities)
        self._local = LocalEndpoints(self._fleet, self._invoker, account_id, clock, self)

    def start(self) -> None:
        """Read the template; TemplateError says what is wrong. Processes start when they are needed."""
        self._fleet.reload()

    def reload(self) -> None:
        """Read the template again: parameters that nobody sets follow the state."""
        self._fleet.reload()

    def publish(self, notice: Notice) -> int:
        """Send a notice through each trigger of the template that takes such; how many there are."""
        return publish(notice, self._fleet, self._invoker, self._clock(), self.bridge)

    def policies(self) -> list[RamPolicy]:
        """The policies of the functions' roles, which know what was asked of them."""
        return [one.policy for one in self._fleet.functions()]

    def kill(self, worker_id: str) -> bool:
        """SIGKILL the worker at once; False if there is none of that id."""
        return self._fleet.kill(worker_id)

    def close(self) -> None:
        """End every process."""
        self._fleet.close()

    def owns(self, path: str) -> bool:
        """Whether a request to this path is for `handle`."""
        return path.startswith(("/2016-08-15/", _NEWER, "/fcapp.run/")) or self._local.owns(path)

    def handle(self, request: Request) -> Response:
        """Answer a request to Function Compute, or to its part of `/_local`."""
        request_id = secrets.token_hex(16)
        newer = request.path.startswith((_NEWER, "/fcapp.run/"))
        try:
            return self._route(request, request_id)
        except Refused as refused:
            return refused.response(request_id, newer=newer)
        except Busy:
            message = "the function already has as many instances as it may have"
            return Refused(429, "ResourceExhausted", message).response(request_id, newer=newer)

    def _route(self, request: Request, request_id: str) -> Response:
        if self._local.owns(request.path):
            return self._local.handle(request, request_id)
        if (match := _INVOCATIONS.fullmatch(request.path)) and request.method == "POST":
            return self._invoke(request, request_id, unquote(match[1]), unquote(match[2]))
        if (match := _NEWER_INVOCATIONS.fullmatch(request.path)) and request.method == "POST":
            return self._invoke_newer(request, request_id, unquote(match[1]))
        if match := _TRIGGER.fullmatch(request.path):
            return self.trigger(request, request_id, unquote(match[1]), unquote(match[2] or "/"))
        if match := _PROXY.fullmatch(request.path):
            return self._proxy(request, request_id, *(unquote(part or "/") for part in match.groups()))
        raise Refused(
            400, "PathNotSupported", f"'{request.method}' against '{request.path}' is not supported"
        )

    def _invoke(self, request: Request, request_id: str, service: str, name: str) -> Response:
        """InvokeFunction: POST /services/{service}/functions/{function}/invocations."""
        identity = verified(request, self._place.identities, self._clock())
        plain, _, qualifier = service.partition(".")
        arn = (
            f"acs:fc:{self._place.region_id}:{self._place.account_id}:"
            f"services/{plain}.{qualifier or 'LATEST'}/functions/{name}"
        )
        if not identity.allows("fc:InvokeFunction", arn):
            raise Refused(403, "AccessDenied", f"not authorized to do fc:InvokeFunction on {arn}")
        function = self._fleet.function(service, name)
        kind = _kind(request)
        if function.trigger("HTTP"):
            raise Refused(400, "InvalidArgument", f"function '{name}' has an HTTP trigger: invoke it by that")
        if kind == "Async":
            invocation_id = request.headers.get("x-fc-stateful-async-invocation-id")
            return self._invoker.queue(function, request_id, request.body, invocation_id)
        tail = request.headers.get("x-fc-log-type") == "Tail"
        return self._invoker.event(function, request_id, request.body, failed_status=200, tail=tail)

    def _invoke_newer(self, request: Request, request_id: str, name: str) -> Response:
        """InvokeFunction of API 2023-03-30: POST /functions/{functionName}/invocations."""
        query = parse_qsl(request.query_string, keep_blank_values=True)
        identity = self._signed(request, query)
        arn = f"acs:fc:{self._place.region_id}:{self._place.account_id}:functions/{name}"
        qualifier = dict(query).get("qualifier", "LATEST")
        asked = f"{arn}/{qualifier}" if self.reading("fc3_invoke_resource") == "name_and_rest" else arn
        if not identity.allows("fc:InvokeFunction", asked):
            raise Refused(403, "AccessDenied", f"not authorized to do fc:InvokeFunction on {asked}")
        function = self._fleet.newer(name)
        if qualifier != "LATEST":
            raise Refused(404, "AliasNotFound", f"alias '{qualifier}' of function '{name}' does not exist")
        if _kind(request) == "Async":
            task_id = request.headers.get("x-fc-async-task-id")
            checked = self.reading("fc3_task_ids") == "checked"
            return self._invoker.queue(function, request_id, request.body, task_id if checked else None)
        tail = request.headers.get("x-fc-log-type") == "Tail"
        return self._invoker.event(function, request_id, request.body, failed_status=200, tail=tail)

    def trigger(
        self, request: Request, request_id: str, name: str, path: str, *, wait: bool = False
    ) -> Response:
        """The HTTP trigger of a function, by the function's name or its entry point's."""
        function = self._fleet.named(name)
        if function.service:
            return self._by_trigger(request, request_id, function, path, wait=wait)
        trigger = self._allowed(request, function)
        asynchronous = request.headers.get("x-fc-invocation-type", "").lower() == "async"
        if asynchronous and self.reading("fc3_async_header") == "hidden":
            fields = {key: value for key, value in request.headers.items() if key != "x-fc-invocation-type"}
            request = replace(request, headers=Headers(fields))
        if trigger.properties["AuthType"].lower() != "anonymous":
            self._signed(request, parse_qsl(request.query_string, keep_blank_values=True))
        account_id, now = self._place.account_id, self._clock()
        encoded = self.reading("fc3_body") == "base64"
        event = http_event(request, path, account_id, now, request_id, encoded=encoded)
        if asynchronous:
            if len(event) > invocations.ASYNC_LIMIT:
                raise _too_large(invocations.ASYNC_LIMIT)
            return self._invoker.queue(function, request_id, event)
        return self._invoker.http_event(request_id, function, event, wait=wait)

    def _signed(self, request: Request, query: list[tuple[str, str]]) -> Identity:
        """Who signed a request to 3.0; it refuses in words of its own ("Error codes")."""
        if not request.headers.get("authorization", "").startswith("ACS3-HMAC-SHA256"):
            raise Refused(400, "MissingRequiredHeader", "an Authorization by ACS3-HMAC-SHA256 is needed")
        try:
            return self._acs3.verify(request, query, [], self._clock())
        except ApiError as error:
            code = _ITS_WORDS.get(error.code, "AccessDenied")
            raise Refused(403, code, error.message) from None

    def bridge(self, event: Mapping[str, Any]) -> int:
        """Publish an event to the default event bus; how many functions it was for."""
        sent = 0
        for function, trigger in self._fleet.triggers():
            if trigger.kind != "EventBridge":
                continue
            flag = bool(trigger.properties.get("AsyncInvocationType", False))
            waits = flag == (self.reading("async_flag") == "synchronous") or bool(function.service)
            sent += self._invoker.event_bridge(function, trigger, event, waits=waits)
        return sent

    def reading(self, name: str) -> Value:
        """How a question is read that the documents leave open."""
        return self._readings().get(name, TABLE[name].values[0])

    def names(self) -> dict[str, str]:
        """The names of the functions by their entry points, with their service where they have one.

        Of several with one entry point, it is the first.
        """
        return {one.entry: one.full_name for one in reversed(self._fleet.functions())}

    def _proxy(self, request: Request, request_id: str, service: str, name: str, path: str) -> Response:
        """An HTTP trigger of Function Compute 2.0, by its path in the API."""
        return self._by_trigger(request, request_id, self._fleet.function(service, name), path, wait=False)

    def _by_trigger(
        self, request: Request, request_id: str, function: Function, path: str, *, wait: bool
    ) -> Response:
        """An HTTP trigger of 2.0: any method it allows, signed unless its AuthType is ANONYMOUS."""
        trigger = self._allowed(request, function)
        if trigger.properties["AuthType"].lower() != "anonymous":
            verified(request, self._place.identities, self._clock(), with_query=True)
        return self._invoker.http(request, request_id, function, path, wait=wait)

    @staticmethod
    def _allowed(request: Request, function: Function) -> Trigger:
        trigger = function.trigger("HTTP")
        if trigger is None:
            raise Refused(404, "TriggerNotFound", f"function '{function.name}' has no HTTP trigger")
        if request.method not in trigger.properties["Methods"]:
            raise Refused(403, "AccessDenied", f"the HTTP trigger does not allow {request.method}")
        if len(request.body) > invocations.SYNC_LIMIT:
            raise _too_large(invocations.SYNC_LIMIT)
        return trigger


def _kind(request: Request) -> str:
    """Whether an invocation is Sync or Async; its payload is not larger than that may be."""
    kind = str(request.headers.get("x-fc-invocation-type", "Sync"))
    if kind not in {"Sync", "Async"}:
        raise Refused(400, "InvalidArgument", f"invocation type '{kind}' is neither Sync nor Async")
    limit = invocations.ASYNC_LIMIT if kind == "Async" else invocations.SYNC_LIMIT
    if len(request.body) > limit:
        raise _too_large(limit)
    return kind


def _too_large(limit: int) -> Refused:
    return Refused(400, "EntityTooLarge", f"payload size exceeds maximum allowed size ({limit} bytes)")
