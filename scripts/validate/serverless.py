"""`s.yaml` of Serverless Devs: its variables replaced, against what its component fc3 takes, as functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from scripts.validate.deployed import Deployment, Function, Trigger
from scripts.validate.faults import Fault
from scripts.validate.resolving import ACCOUNT, REGION
from scripts.validate.serverless_schema import DOCUMENT

_VARIABLES: Final[Mapping[str, str]] = {
    "SLB_SWAP_REGION": REGION,
    "SLB_SWAP_ACCOUNT": ACCOUNT,
    "SWAP_TARGETS": "targets.json",
}
_ENV: Final = re.compile(r"\$\{env\('(\w+)'(?:, '([^']*)')?\)\}")
_VAR: Final = re.compile(r"\$\{vars\.(\w+)\}")


def resolved(document: Mapping[str, Any], found: set[Fault]) -> dict[str, Any]:
    """The document with `${env(...)}` and `${vars...}` replaced; the environment is a sample's."""
    given: dict[str, Any] = {}
    for name, raw in (document.get("vars") or {}).items():
        given[name] = _replaced(raw, given, f"vars.{name}", found)
    replaced = _replaced({key: one for key, one in document.items() if key != "vars"}, given, "", found)
    return dict(replaced)


def _replaced(raw: Any, given: Mapping[str, Any], where: str, found: set[Fault]) -> Any:
    if isinstance(raw, list):
        return [_replaced(one, given, f"{where}[{at}]", found) for at, one in enumerate(raw)]
    if isinstance(raw, dict):
        return {key: _replaced(one, given, f"{where}.{key}".lstrip("."), found) for key, one in raw.items()}
    if not isinstance(raw, str):
        return raw
    text = _ENV.sub(lambda match: _VARIABLES.get(match[1], match[2] or ""), raw)

    def variable(match: re.Match[str]) -> str:
        if match[1] not in given:
            found.add(Fault("unknown-reference", where, f"no variable {match[1]}"))
        return str(given.get(match[1], ""))

    text = _VAR.sub(variable, text)
    if "${" in text:
        found.add(Fault("unknown-reference", where, f"not understood: {text}"))
    return text


def schema_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what the component would refuse, or ignore."""
    import jsonschema  # noqa: PLC0415 - only `make validate` has it

    for error in jsonschema.Draft7Validator(DOCUMENT).iter_errors(dict(document)):
        where = ".".join(map(str, error.absolute_path))
        yield Fault("schema", where or "the document", str(error.message)[:200])


def deployment(document: Mapping[str, Any]) -> Deployment:
    """The functions of a resolved document."""
    return Deployment("3.0", tuple(_functions(document)))


def _functions(document: Mapping[str, Any]) -> Iterator[Function]:
    for key, resource in (document.get("resources") or {}).items():
        props = resource.get("props") or {}
        where = f"resources.{key}.props"
        config = props.get("asyncInvokeConfig") or {}
        failure = ((config.get("destinationConfig") or {}).get("onFailure") or {}).get("destination")
        initializer = (props.get("instanceLifecycleConfig") or {}).get("initializer") or {}
        yield Function(
            where=where,
            name=props.get("functionName", ""),
            handler=props.get("handler", ""),
            initializer=initializer.get("handler"),
            runtime=props.get("runtime", ""),
            timeout=props.get("timeout"),
            memory=props.get("memorySize"),
            concurrency=props.get("instanceConcurrency"),
            environment=props.get("environmentVariables") or {},
            retries=config.get("maxAsyncRetryAttempts"),
            event_age=config.get("maxAsyncEventAgeInSeconds"),
            stateful=config.get("asyncTask"),
            on_failure=failure,
            reserved=(props.get("concurrencyConfig") or {}).get("reservedConcurrency"),
            triggers=tuple(
                Trigger(f"{where}.triggers[{at}]", one.get("triggerType", ""), one.get("triggerConfig") or {})
                for at, one in enumerate(props.get("triggers") or [])
            ),
            role=props.get("role"),
        )
