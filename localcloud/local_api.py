"""The endpoints under /_local of SLB and ESS: state, calls, history, faults, readings, instances."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from localcloud.http import Request, Response
from localcloud.rpc.errors import ApiError
from localcloud.rpc.gateway import Gateway
from localcloud.state.fields import FieldError
from localcloud.state.parsing import instance
from localcloud.state.readings import validated

#: What there is under /_local, for who asks at `GET /_local/`. A GET only looks.
ENDPOINTS = {
    "GET, PUT /_local/state": "the whole state; a PUT replaces it, and all counts begin anew",
    "GET, DELETE /_local/calls": "every RPC call so far",
    "GET /_local/history?vserver_group_id=ID": "every state that a group was ever in",
    "GET, PUT /_local/faults": "what is to go wrong",
    "GET, PUT /_local/readings": "how to read the documents",
    "PUT, DELETE /_local/instances/ID": "an instance changes, or is released",
    "GET /_local/scaling_groups": "what scaling groups were told to do, and how far it is",
    "POST /_local/scaling_groups/ID/KIND": "let it scale out or in, replace, or be reclaimed",
    "POST /_local/deliver/NAME": "the body to a function of the template",
    "POST /_local/events": "publish the body to the event bus",
    "POST /_local/topics/NAME": "publish the body to a topic of the template",
    "POST /_local/timers/NAME": "let a timer of the template fire",
    "POST /_local/async/drain?timeout=SECONDS": "wait until nothing is queued",
    "GET /_local/async": "what became of queued invocations",
    "GET /_local/queues": "the messages of destinations",
    "GET, DELETE /_local/logs?function=NAME": "the lines that functions have printed",
}


class LocalApi:
    """What a test sees and turns; nothing of the cloud is like it, and nothing here is signed."""

    def __init__(self, gateway: Gateway, on_state: Callable[[], None] = lambda: None) -> None:
        """`on_state` is called when another state was put."""
        self._gateway = gateway
        self._on_state = on_state

    def handle(self, request: Request) -> Response:
        """Answer; 400 names what is wrong with a body, 404 and 405 say what there is."""
        name, _, rest = request.path.removeprefix("/_local").strip("/").partition("/")
        if not name and request.method == "GET":
            return Response.of_json({"endpoints": ENDPOINTS})
        handler = getattr(self, f"_{request.method.lower()}_{name}", None)
        if handler is None:
            there = [m for m in ("GET", "PUT", "DELETE") if hasattr(self, f"_{m.lower()}_{name}")]
            message = (
                f"only {', '.join(there)}"
                if there
                else f"no such endpoint: {request.path}; GET /_local/ lists what there is"
            )
            return Response.of_json({"error": message}, 405 if there else 404)
        try:
            with self._gateway.lock:
                answer = handler(request, unquote(rest))
            if (request.method, name) == ("PUT", "state"):
                self._on_state()
        except ValueError as error:
            return Response.of_json({"error": str(error)}, 400)
        except ApiError as error:
            return Response.of_json({"error": error.message, "code": error.code}, error.status)
        return Response.of_json(answer)

    def _get_state(self, _: Request, __: str) -> Any:
        return self._gateway.cloud.state()

    def _put_state(self, request: Request, _: str) -> Any:
        state = _body(request)
        if not isinstance(state, dict):
            raise FieldError("state: an object is needed")
        self._gateway.cloud.replace(state)
        self._gateway.calls.clear()
        return self._gateway.cloud.state()

    def _get_calls(self, _: Request, __: str) -> Any:
        return list(self._gateway.calls)

    def _delete_calls(self, _: Request, __: str) -> Any:
        self._gateway.calls.clear()
        return []

    def _get_history(self, request: Request, _: str) -> Any:
        group_id = parse_qs(request.query_string).get("vserver_group_id", [None])[0]
        if group_id is not None and not any(
            i.group_id == group_id for i in self._gateway.cloud.world.history
        ):
            raise ApiError("InvalidParameter", status=404)
        return self._gateway.cloud.history(group_id)

    def _get_faults(self, _: Request, __: str) -> Any:
        return self._gateway.cloud.state()["faults"]

    def _put_faults(self, request: Request, _: str) -> Any:
        self._gateway.cloud.put_faults(_body(request))
        return self._gateway.cloud.state()["faults"]

    def _get_readings(self, _: Request, __: str) -> Any:
        return dict(self._gateway.cloud.world.readings)

    def _put_readings(self, request: Request, _: str) -> Any:
        self._gateway.cloud.world.readings = chosen = validated(_body(request))
        return chosen

    def _put_instances(self, request: Request, instance_id: str) -> Any:
        body = _body(request)
        if not isinstance(body, dict):
            raise FieldError("instance: an object is needed")
        self._gateway.cloud.world.set_instance(instance({**body, "instance_id": instance_id}))
        return {"instance_id": instance_id}

    def _delete_instances(self, _: Request, instance_id: str) -> Any:
        self._gateway.cloud.world.release(instance_id)
        return {"instance_id": instance_id}


def _body(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        raise FieldError("the body is not JSON") from None
