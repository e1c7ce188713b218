"""The forms of an answer: plain as today's documents show it, or enveloped as the samples up to 2021 do."""

import json
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from localcloud.rpc.errors import ApiError

WHITE = "\t\n"


def answer_body(form: str, action: str, value: Mapping[str, Any], *, old: bool) -> bytes:
    """An answer in JSON or XML; `old`: as the old samples have it (reading response_form)."""
    if old:
        value = _old(value)
    if form == "XML":
        return xml(f"{action}Response", value)
    return _json({f"{action}Response": value} if old else value)


def error_body(form: str, request_id: str, host: str, error: ApiError) -> bytes:
    """An error in JSON or XML (RPC: Error responses)."""
    value = {
        "RequestId": request_id,
        "HostId": host,
        "Code": error.code,
        "Message": error.message,
        "Recommend": f"https://error-center.aliyun.com/status/search?Keyword={error.code}&source=PopGw",
    }
    return xml("Error", value) if form == "XML" else _json(value)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _old(value: Any) -> Any:
    """Numbers as strings, one object where a list has one element, no Type where it is the default."""
    if isinstance(value, Mapping):
        return {k: _old(v) for k, v in value.items() if not (k == "Type" and v == "ecs")}
    if isinstance(value, list):
        return _old(value[0]) if len(value) == 1 else [_old(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return str(value)


def xml(root: str, value: Mapping[str, Any]) -> bytes:
    """XML as the sample answers show it: a list is its element again and again."""
    return ('<?xml version="1.0" encoding="UTF-8"?>' + _element(root, value)).encode()


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(_element(k, v) for k, v in value.items())}</{name}>"
    if isinstance(value, bool):
        return f"<{name}>{str(value).lower()}</{name}>"
    text = "" if value is None else "".join(c for c in str(value) if c.isprintable() or c in WHITE)
    return f"<{name}>{escape(text)}</{name}>"
