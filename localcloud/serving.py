"""The local cloud as a whole: gateway, `_local` endpoints and functions behind one server."""

import contextlib
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from localcloud.cloud import Cloud
from localcloud.ess.activities import Activities
from localcloud.ess.notices import Notice
from localcloud.http import Request, Response
from localcloud.local_api import LocalApi
from localcloud.rpc.credentials import Identity, Registry, new_identity
from localcloud.rpc.gateway import Gateway
from localcloud.rpc.ram import RamPolicy
from localcloud.server import Server
from localcloud.state.fields import FieldError
from localcloud.state.world import ACCOUNT, REGION
from localcloud.template.ros import TemplateError


class FunctionHost(Protocol):
    """What the functions offer to the server."""

    def owns(self, path: str) -> bool:
        """Whether a request to this path is theirs."""
        ...

    def handle(self, request: Request) -> Response:
        """Answer such a request."""
        ...

    def publish(self, notice: Notice) -> int:
        """Send a notice through their triggers."""
        ...

    def names(self) -> dict[str, str]:
        """The functions' names by their entry points, `swap` and `webhook`."""
        ...

    def policies(self) -> list[RamPolicy]:
        """The policies of their roles."""
        ...

    def kill(self, worker_id: str) -> bool:
        """SIGKILL a worker."""
        ...

    def reload(self) -> None:
        """The state is another one."""
        ...

    def close(self) -> None:
        """End every process."""
        ...


class LocalCloud:
    """A running local cloud, for a `with` block or `close()`. Ready to answer once constructed."""

    def __init__(
        self,
        state: Mapping[str, Any] | None = None,
        *,
        port: int = 0,
        tls: bool = False,
        template: Path | None = None,
        params: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        instances: Mapping[str, int] | None = None,
        warm: bool = False,
        python: Sequence[str] = (),
        echo: bool = False,
    ) -> None:
        """`template` None: no functions. `echo`: what they log goes to this process's stderr, too.

        `instances`: how many a function may have at most, in place of one `swap`. `warm`: workers are forked.
        `python`: the interpreter that functions run in, with its options, in place of this one.
        """
        self.admin: Identity = new_identity("administrator")
        self.identities = Registry(self.admin)
        self.cloud = Cloud(state)
        self.gateway = Gateway(self.cloud, self.identities, sleep=time.sleep)
        self.functions: FunctionHost | None = None
        self.ca_bundle: Path | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="localcloud-")) if tls else None
        context = None
        if self._folder is not None:
            from localcloud.tls import context as make  # noqa: PLC0415 - trustme is needed with --tls alone

            context, self.ca_bundle = make(self._folder)
        self.server = Server(self.handle, port, context)
        self.endpoint = (
            f"https://localhost:{self.server.port}" if tls else f"http://127.0.0.1:{self.server.port}"
        )
        self._local = LocalApi(self.gateway, self._state_changed)
        self.activities = Activities(self.cloud, self.gateway.lock, self._publish)
        self.cloud.faults.on_kill = self._kill
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            if template is not None:
                how: dict[str, Any] = {} if instances is None else {"instances": instances}
                how |= {"params": params, "env": env, "warm": warm, "python": python, "echo": echo}
                self.functions = self._start(template, **how)
        except BaseException:
            self.close()
            raise

    def _start(self, template: Path, **how: Any) -> FunctionHost:
        from localcloud.fc.functions import Functions  # noqa: PLC0415 - only where there is a template

        functions = Functions(
            template,
            endpoint=self.endpoint,
            region_id=REGION,
            account_id=ACCOUNT,
            identities=self.identities,
            ca_bundle=str(self.ca_bundle) if self.ca_bundle else None,
            state=self._state,
            readings=lambda: self.cloud.world.readings,
            **how,
        )
        functions.start()
        return functions

    def handle(self, request: Request) -> Response:
        """Answer one request, whoever it is for."""
        if self.functions is not None and self.functions.owns(request.path):
            return self.functions.handle(request)
        if self.activities.owns(request.path):
            return self.activities.handle(request)
        if request.path == "/_local" or request.path.startswith("/_local/"):
            return self._local.handle(request)
        if request.path == "/":
            return self.gateway.handle(request)
        return Response.of_json({"error": f"nothing answers at {request.path}"}, 404)

    def greeting(self) -> str:
        """The first line on stdout of `serve`."""
        told: dict[str, Any] = {
            "endpoint": self.endpoint,
            "region_id": REGION,
            "access_key_id": self.admin.access_key_id,
            "access_key_secret": self.admin.access_key_secret,
            "webhook_url": None,
            "functions": {},
        }
        if self.functions is not None:
            names = self.functions.names()
            told["functions"] = names
            webhook = names.get("webhook", "").rpartition("/")[2]
            told["webhook_url"] = f"{self.endpoint}/fcapp.run/{webhook}/" if webhook else None
        return json.dumps({**told, "ca_bundle": str(self.ca_bundle)} if self.ca_bundle else told)

    def close(self) -> None:
        """Stop answering, end the functions' processes, remove what was written."""
        self.activities.close()
        self.server.shutdown()
        self.server.server_close()
        if self.functions is not None:
            self.functions.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> "LocalCloud":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _state(self) -> Mapping[str, Any]:
        with self.gateway.lock:
            return self.cloud.state()

    def _state_changed(self) -> None:
        if self.functions is None:
            return
        try:
            self.functions.reload()
        except TemplateError as error:
            raise FieldError(f"the state was put, but the template does not fit it: {error}") from error

    def _publish(self, notice: Notice) -> None:
        if self.functions is not None:
            self.functions.publish(notice)

    def _kill(self, identity: Identity | None) -> None:
        if self.functions is not None and identity is not None and identity.worker is not None:
            with contextlib.suppress(KeyError):
                self.functions.kill(identity.worker)
