"""`/_local/scaling_groups`: scaling groups are told to do something, and do it while all goes on."""

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from localcloud.cloud import Cloud
from localcloud.ess.notices import Notice
from localcloud.ess.scaling import Activity, Order, Step, order
from localcloud.http import Request, Response
from localcloud.rpc.errors import ApiError
from localcloud.state.fields import FieldError

_PATH = re.compile(r"/_local/scaling_groups(?:/([^/]+)/([^/]+))?/?")


class Activities:
    """The activities so far, each with a thread that waits for it. A state that is put ends them all."""

    def __init__(
        self,
        cloud: Cloud,
        lock: threading.RLock,
        send: Callable[[Notice], None],
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        """`lock` guards the cloud, and is not held while an activity waits or tells."""
        self._cloud, self._lock, self._send = cloud, lock, send
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._numbers = itertools.count(1)
        self._all: list[Activity] = []

    def owns(self, path: str) -> bool:
        """Whether a request to this path is for `handle`."""
        return _PATH.fullmatch(path) is not None

    def handle(self, request: Request) -> Response:
        """`GET` tells of all activities; `POST /_local/scaling_groups/ID/KIND` begins one."""
        match = _PATH.fullmatch(request.path)
        group_id, kind = (match[1], match[2]) if match else (None, None)
        if request.method == "GET" and group_id is None:
            return Response.of_json(self.reports())
        if request.method != "POST" or group_id is None:
            return Response.of_json(
                {"error": "GET, or POST to /_local/scaling_groups/ID/{out,in,replace,reclaim}"}, 405
            )
        try:
            body = json.loads(request.body or b"{}")
            activity = self.begin(unquote(group_id), order(str(kind), body))
        except ApiError as error:
            return Response.of_json({"error": error.message, "code": error.code}, error.status)
        except ValueError as error:
            told = error if isinstance(error, FieldError) else "the body is not JSON"
            return Response.of_json({"error": str(told)}, 400)
        return Response.of_json(_report(activity), 202)

    def begin(self, group_id: str, order: Order) -> Activity:
        """Begin an activity: its first change is made before this returns, the rest goes on by itself."""
        with self._lock:
            activity = Activity(self._cloud, group_id, order, lambda: f"i-{next(self._numbers):04d}")
            steps = activity.steps()
            first = next(steps, None)
            self._all.append(activity)
        threading.Thread(target=self._go_on, args=(activity, first, steps), daemon=True).start()
        return activity

    def reports(self) -> list[dict[str, Any]]:
        """Every activity so far, in the order in which they began."""
        return [_report(activity) for activity in self._all]

    def close(self) -> None:
        """Wait for nothing any more."""
        self._closed.set()

    def _go_on(self, activity: Activity, step: Step | None, steps: Iterator[Step]) -> None:
        while step is not None and not self._closed.is_set():
            if isinstance(step, Notice):
                self._send(step)
            else:
                self._sleep(step)
            with self._lock:
                if activity.world is not self._cloud.world:
                    activity.status = "Cancelled"
                    return
                step = next(steps, None)


def _report(activity: Activity) -> dict[str, Any]:
    return {
        "scaling_activity_id": activity.id,
        "scaling_group_id": activity.group_id,
        "kind": activity.order.kind,
        "instance_ids": list(activity.instance_ids),
        "status": activity.status,
    }
