"""A function that does what its event says: what the local Function Compute is tested with."""

import base64
import decimal
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

STARTED = []


def initialize(context):
    STARTED.append(context.request_id)
    if os.environ.get("FAIL_TO_INITIALIZE"):
        raise RuntimeError("cannot start")


def swap(event, context):
    what = json.loads(event).get("do", "echo") if event[:1] == b"{" else "echo"
    return globals()[f"_{what}"](event, context)


def webhook(environ, start_response):
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    if body == b"raise":
        raise ValueError("no")
    told = {key: value for key, value in environ.items() if isinstance(value, str)}
    told["context"] = environ["fc.context"].request_id
    told["body"] = body.decode()
    start_response("201 Created", [("Content-Type", "application/json"), ("Retry-After", "7")])
    return [json.dumps(told).encode()]


def respond(event, context):
    """An HTTP trigger's event of Function Compute 3.0: what its body says is answered, else the event."""
    told = json.loads(event)
    raw = base64.b64decode(told["body"]) if told["isBase64Encoded"] else told["body"].encode()
    body = raw.decode("utf-8", "replace")
    if body.startswith("answer:"):
        return json.loads(body.removeprefix("answer:"))
    if body == "raise":
        raise ValueError("no")
    headers = {"Retry-After": "7"}
    return {"statusCode": 201, "headers": headers, "isBase64Encoded": False, "body": json.dumps(told)}


def _echo(event, context):
    return event


def _text(event, context):
    return "plain"


def _object(event, context):
    return {"b": decimal.Decimal("1.5"), "a": [1]}


def _unserialisable(event, context):
    return {"a": object()}


def _environment(event, context):
    return dict(os.environ)


def _context(event, context):
    return {
        "json": json.loads(context.to_json()),
        "twins": context.requestId == context.request_id
        and context.credentials.accessKeyId == context.credentials.access_key_id,
        "timeout": context.function.timeout,
        "retry_count": context.retry_count,
        "started": STARTED,
        "pid": os.getpid(),
    }


def _newer_context(event, context):
    return {
        "fields": sorted(context.__dict__),
        "credentials": hasattr(context, "credentials"),
        "key": os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        "timeout": context.function.timeout,
    }


def _raise(event, context):
    raise ValueError("something is wrong")


def _raise_unless_retried(event, context):
    if int(context.retry_count) < 2:
        raise ValueError("not yet")
    return "at last"


def _hang_ignoring_the_end(event, context):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Event().wait()


def _wait_for_file(event, context):
    told = json.loads(event)
    Path(told["started"]).write_text("started")  # named pipes: the test on the other end knows that this runs
    return Path(told["go_on"]).read_text()


def _hang(event, context):
    print("hanging", flush=True)  # noqa: T201
    threading.Event().wait()


def _exit(event, context):
    sys.exit(3)


def _print(event, context):
    print("said on stdout")  # noqa: T201
    print("said on stderr", file=sys.stderr)  # noqa: T201
    print("x" * 40_000)  # noqa: T201
    logging.getLogger("own").info("logged")
    return "done"


def _pid(event, context):
    return str(os.getpid())


def _imported_by(event, context):
    return {"importer": IMPORTER, "self": os.getpid(), "threads": threading.active_count()}


IMPORTER = os.getpid()
