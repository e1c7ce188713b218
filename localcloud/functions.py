"""Function Compute (API 2016-08-15), locally: a template's functions, invoked by API and HTTP trigger."""

import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from localcloud import invocations
from localcloud.calls import Place
from localcloud.credentials import Registry
from localcloud.fc_signature import Refused, verified
from localcloud.fleet import Deployment, Fleet
from localcloud.functions_local import LocalEndpoints
from localcloud.http import Request, Response
from localcloud.invocations import Invoker
from localcloud.notices import Notice, publish
from localcloud.workers import Busy

_INVOCATIONS = re.compile(r"/2016-08-15/services/([^/]+)/functions/([^/]+)/invocations/?")
_PROXY = re.compile(r"/2016-08-15/proxy/([^/]+)/([^/]+)(/.*)?")

ONE_WRITER: Mapping[str, int] = MappingProxyType({"swap": 1})
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
        self._local = LocalEndpoints(self._fleet, self._invoker, account_id, clock)

    def start(self) -> None:
        """Read the template; TemplateError says what is wrong. Processes start when they are needed."""
        self._fleet.reload()

    def reload(self) -> None:
        """Read the template again: parameters that nobody sets follow the state."""
        self._fleet.reload()

    def publish(self, notice: Notice) -> int:
        """Send a notice through each trigger of the template that takes such; how many there are."""
        return publish(notice, self._fleet, self._invoker, self._clock())

    def kill(self, worker_id: str) -> bool:
        """SIGKILL the worker at once; False if there is none of that id."""
        return self._fleet.kill(worker_id)

    def close(self) -> None:
        """End every process."""
        self._fleet.close()

    def owns(self, path: str) -> bool:
        """Whether a request to this path is for `handle`."""
        return path.startswith("/2016-08-15/") or self._local.owns(path)

    def handle(self, request: Request) -> Response:
        """Answer a request to Function Compute, or to its part of `/_local`."""
        request_id = secrets.token_hex(16)
        try:
            return self._route(request, request_id)
        except Refused as refused:
            return refused.response(request_id)
        except Busy:
            message = "the function already has as many instances as it may have"
            return Refused(429, "ResourceExhausted", message).response(request_id)

    def _route(self, request: Request, request_id: str) -> Response:
        if self._local.owns(request.path):
            return self._local.handle(request, request_id)
        if (match := _INVOCATIONS.fullmatch(request.path)) and request.method == "POST":
            return self._invoke(request, request_id, unquote(match[1]), unquote(match[2]))
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
        kind = request.headers.get("x-fc-invocation-type", "Sync")
        if kind not in {"Sync", "Async"}:
            raise Refused(400, "InvalidArgument", f"invocation type '{kind}' is neither Sync nor Async")
        limit = invocations.ASYNC_LIMIT if kind == "Async" else invocations.SYNC_LIMIT
        if len(request.body) > limit:
            raise Refused(400, "EntityTooLarge", f"payload size exceeds maximum allowed size ({limit} bytes)")
        if function.trigger("HTTP"):
            raise Refused(400, "InvalidArgument", f"function '{name}' has an HTTP trigger: invoke it by that")
        if kind == "Async":
            invocation_id = request.headers.get("x-fc-stateful-async-invocation-id")
            return self._invoker.queue(function, request_id, request.body, invocation_id)
        tail = request.headers.get("x-fc-log-type") == "Tail"
        return self._invoker.event(function, request_id, request.body, failed_status=200, tail=tail)

    def _proxy(self, request: Request, request_id: str, service: str, name: str, path: str) -> Response:
        """An HTTP trigger: any method it allows, signed unless its AuthType is ANONYMOUS."""
        function = self._fleet.function(service, name)
        trigger = function.trigger("HTTP")
        if trigger is None:
            raise Refused(404, "TriggerNotFound", f"function '{name}' has no HTTP trigger")
        if trigger.properties["AuthType"].lower() != "anonymous":
            verified(request, self._place.identities, self._clock(), with_query=True)
        if request.method not in trigger.properties["Methods"]:
            raise Refused(403, "AccessDenied", f"the HTTP trigger does not allow {request.method}")
        if len(request.body) > invocations.SYNC_LIMIT:
            limit = invocations.SYNC_LIMIT
            raise Refused(400, "EntityTooLarge", f"payload size exceeds maximum allowed size ({limit} bytes)")
        return self._invoker.http(request, request_id, function, path, wait=False)
