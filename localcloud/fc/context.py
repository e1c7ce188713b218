"""The context object that a function is given: of Python 3.10 and older runtimes, and of Python 3.12.

Function Compute, "Context" (Python): the older ones carry credentials, service, tracing and retry count; that
of Python 3.12, on Function Compute 3.0, has none of them, and credentials are in the environment.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

_TWINS = {
    "accessKeyId": "access_key_id",
    "accessKeySecret": "access_key_secret",
    "securityToken": "security_token",
    "requestId": "request_id",
}


class _Fields:
    """Attributes from keywords; the camelCase twins that the runtime has beside them."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        if name in _TWINS and _TWINS[name] in self.__dict__:
            return self.__dict__[_TWINS[name]]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def to_dict(self) -> dict[str, Any]:
        """The attributes, named as in the context's JSON."""
        return {_camel(key): value for key, value in self.__dict__.items()}


class Credentials(_Fields):
    """access_key_id, access_key_secret, security_token."""


class FunctionMeta(_Fields):
    """name, handler, memory (a number), timeout (text, as the runtime leaves it)."""


class ServiceMeta(_Fields):
    """name, log_project, log_store, qualifier, version_id."""


class Tracing(_Fields):
    """span_context, jaeger_endpoint, span_baggages."""


class FCContext(_Fields):
    """What is known of one invocation."""

    def getLogger(self) -> logging.Logger:  # noqa: N802 - its name in the runtime
        """The function's logger."""
        return logging.getLogger()

    def to_json(self) -> str:
        """The context as JSON."""
        plain = {
            _camel(key): value.to_dict() if isinstance(value, _Fields) else value
            for key, value in self.__dict__.items()
            if key != "logger"
        }
        return json.dumps(plain)


def of_fc2(facts: Mapping[str, Any]) -> FCContext:
    """The context of Python 3.10 and older."""
    key_id, secret, token = facts["credentials"]
    return FCContext(
        request_id=facts["request_id"],
        credentials=Credentials(access_key_id=key_id, access_key_secret=secret, security_token=token),
        function=FunctionMeta(
            name=facts["function"],
            handler=facts["handler"],
            memory=int(facts["memory_mb"]),
            timeout=str(facts["timeout_s"]),
        ),
        service=ServiceMeta(
            name=facts["service"],
            log_project=facts["log_project"],
            log_store=facts["log_store"],
            qualifier="LATEST",
            version_id="",
        ),
        region=facts["region_id"],
        account_id=facts["account_id"],
        retry_count=facts["retry_count"],
        tracing=Tracing(span_context="", jaeger_endpoint="", span_baggages={}),
        logger=logging.getLogger(),
    )


def of_fc3(facts: Mapping[str, Any]) -> FCContext:
    """The context of Python 3.12."""
    return FCContext(
        account_id=facts["account_id"],
        request_id=facts["request_id"],
        function=FunctionMeta(
            name=facts["function"],
            handler=facts["handler"],
            memory=int(facts["memory_mb"]),
            timeout=int(facts["timeout_s"]),
            version_id="",
            qualifier="LATEST",
        ),
        logger=logging.getLogger(),
        log_project=facts["log_project"],
        log_store=facts["log_store"],
        region=facts["region_id"],
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
