"""A function's process: it loads the handler, initializes once, and answers invocations until nobody asks.

It stands in for the Python runtime of Function Compute ("Event handlers", "Error handling", "Lifecycle
hooks") and knows of the local cloud only the socket to it. As a zygote it imports the function's modules once
and forks workers, which is all that a warm start saves.
"""

import decimal
import importlib
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import date
from typing import Any

from localcloud.fc import context, framing, wsgi

_LOG_LINE_LIMIT = 32 * 1024


class _Failed(Exception):  # noqa: N818 - a result, with FC's payload
    """A function error: `payload` is errorMessage, errorType, stackTrace."""

    def __init__(self, payload: dict[str, Any]) -> None:
        super().__init__(payload["errorMessage"])
        self.payload = payload


def main(control_fd: int, lifeline_fd: int, zygote: bool) -> None:
    """Serve the local cloud on a socket; the lifeline ends when the local cloud does, however it ends."""
    control = socket.socket(fileno=control_fd)
    if zygote:
        _zygote(control, lifeline_fd)
    else:
        _serve(control, lifeline_fd)


def _zygote(control: socket.socket, lifeline_fd: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the workers: end of file tells
    for handler in json.loads(os.environ.pop("LOCALCLOUD_PRELOAD")):
        try:
            importlib.import_module(handler.rpartition(".")[0].replace("/", "."))
        except Exception:  # each worker meets it again, and reports it
            traceback.print_exc()
    while True:
        data, fds, _, _ = socket.recv_fds(control, 128, 2)
        if not data:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(fds[1], 1)
            os.dup2(fds[1], 2)
            os.close(fds[1])
            os.environ["FC_INSTANCE_ID"] = data.decode()
            _serve(socket.socket(fileno=fds[0]), lifeline_fd)
            os._exit(0)
        for fd in fds:
            os.close(fd)
        control.sendall(pid.to_bytes(8, "big"))


def _serve(control: socket.socket, lifeline_fd: int) -> None:
    threading.Thread(target=_die_with, args=(lifeline_fd,), daemon=True).start()
    signal.signal(signal.SIGTERM, _on_timeout)
    request_id = _log_as_the_runtime_does()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    while (received := framing.receive(control)) is not None:
        facts, body = received
        request_id[0] = facts["request_id"]
        what = "Initialize" if facts["kind"] == "initialize" else "Invoke"
        print(f"FC {what} Start RequestId: {facts['request_id']}", flush=True)  # noqa: T201 - the runtime's line
        try:
            head, result = _answer(facts, body)
        except _Failed as failed:
            logging.getLogger().log(logging.ERROR, "%s", json.dumps(failed.payload))
            head, result = {"error": True}, _json(failed.payload).encode()
        suffix = ", Error: Unhandled function error" if head.get("error") else ""
        print(f"FC {what} End RequestId: {facts['request_id']}{suffix}", flush=True)  # noqa: T201
        sys.stderr.flush()
        framing.send(control, head, result)
    os._exit(0)


def _die_with(lifeline_fd: int) -> None:
    while os.read(lifeline_fd, 1):
        pass
    os._exit(0)


def _on_timeout(_number: int, frame: Any) -> None:
    print("Dumping stack trace after function timeout", *traceback.format_stack(frame), sep="\n", flush=True)  # noqa: T201
    os._exit(143)


def _answer(facts: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    older = facts["flavour"] == "fc2"
    if not older:
        key_id, secret, token = facts["credentials"]
        os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = key_id
        os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = secret
        os.environ["ALIBABA_CLOUD_SECURITY_TOKEN"] = token
    given = context.of_fc2(facts) if older else context.of_fc3(facts)
    handler = _load(facts["call"])
    if facts["kind"] == "initialize":
        _call(handler, given)
        return {}, b""
    if facts["kind"] == "http":
        started = wsgi.StartResponse()
        output = _call(handler, wsgi.environ(facts["http"], body, given), started)
        try:
            return {"status": started.status, "headers": started.headers}, started.body(output)
        except Exception:
            raise _failed(Exception("invalid response type")) from None
    result = _call(handler, body, given)
    if isinstance(result, bytes):
        return {}, result
    if isinstance(result, str):
        return {}, result.encode()
    try:
        return {}, _json(result).encode()
    except (TypeError, ValueError) as error:
        raise _failed(error) from error


def _call(handler: Callable[..., Any], *arguments: Any) -> Any:
    """Call the function's code. An Exception is a function error; SystemExit ends the process, as in FC."""
    try:
        return handler(*arguments)
    except Exception as error:
        raise _failed(error, skip=1) from error


def _load(handler: str) -> Callable[..., Any]:
    """`a.b.c` or `a/b.c`: attribute c of module a.b."""
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        raise _Failed({"errorMessage": f"Invalid handler '{handler}'", "errorType": "InvalidHandleName"})
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise _not_loaded("ImportModuleError", f"Unable to import module '{module_name}'", error) from error
    except SyntaxError as error:
        raise _not_loaded("UserCodeSyntaxError", f"Syntax error in module '{module_name}'", error) from error
    except Exception as error:
        raise _not_loaded("UserCodeError", f"Module initialization error: '{error}'", error) from error
    found: Callable[..., Any] | None = getattr(module, name, None)
    if found is None:
        message = f"Handler '{name}' is missing on module '{module_name}'"
        raise _Failed({"errorMessage": message, "errorType": "HandlerNotFound"})
    return found


def _not_loaded(kind: str, message: str, error: BaseException) -> _Failed:
    trace = [line.strip() for line in traceback.format_exception_only(type(error), error) if line.strip()]
    return _Failed({"errorMessage": message, "errorType": kind, "stackTrace": trace})


def _failed(error: BaseException, skip: int = 0) -> _Failed:
    frames = traceback.extract_tb(error.__traceback__)[skip:]
    trace = [
        [f'File "{frame.filename}"', f"line {frame.lineno}", f"in {frame.name}", frame.line or ""]
        for frame in frames
    ]
    return _Failed({"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace})


def _json(value: Any) -> str:
    return json.dumps(value, indent=4, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "to_json"):
        return value.to_json()
    raise TypeError(f"{value!r} is not JSON serializable")


def _log_as_the_runtime_does() -> list[str]:
    """The root logger writes to stdout, with the request's id; returns where to put that id."""
    current = [""]

    class Formatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            record.fc_request_id = current[0]
            return super().format(record)[:_LOG_LINE_LIMIT]

    handler = logging.StreamHandler(sys.stdout)
    formatter = Formatter(
        "%(asctime)s.%(msecs)03dZ %(fc_request_id)s [%(levelname)s] %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    return current
