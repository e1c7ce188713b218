"""Every check, on the templates of a folder or on documents that were changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.validate import agreement, deployed, functions, reading, rights, serverless, stack
from scripts.validate.deployed import Deployment
from scripts.validate.faults import Fault

ROOT: Final = Path(__file__).resolve().parents[2]
FILES: Final = ("template.yml", "template.fc2.yml", "s.yaml")

Documents = Mapping[str, dict[str, Any]]


def documents(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """The templates of a folder, by file name."""
    return {name: reading.load(root / name) for name in FILES}


@dataclass(frozen=True, slots=True)
class _Read:
    variants: list[reading.Variant]
    deployments: list[Deployment]
    faults: set[Fault]


def faults(given: Documents, name: str, *, native: bool, root: Path = ROOT) -> set[Fault]:
    """What is wrong with one of the documents.

    `native`: also through the ROS CDK, the FC SDK and jsonschema, which have to be installed.
    """
    document = given[name]
    if name == "s.yaml":
        return set(_of_serverless(given, document, native=native, root=root))
    read = _read(document)
    found = read.faults
    for deployment in read.deployments:
        found.update(functions.faults(deployment, root))
        found.update(rights.faults(deployment.variant))
        found.update(stack.faults(document, deployment))
        if native:
            found.update(_native(deployment))
    if name != "template.yml":
        first = _read(given["template.yml"])
        for one, other in zip(first.deployments, read.deployments, strict=True):
            found.update(agreement.faults(one, other))
        found.update(agreement.parameters(given["template.yml"], document))
    return found


def _read(document: dict[str, Any]) -> _Read:
    variants, found = reading.variants(document)
    return _Read(variants, [deployed.of(variant) for variant in variants], found)


def _native(deployment: Deployment) -> Iterator[Fault]:
    from scripts.validate import resources  # noqa: PLC0415 - only `make validate` has the ROS CDK

    yield from resources.faults(deployment.variant)
    yield from _triggers(deployment)


def _triggers(deployment: Deployment) -> Iterator[Fault]:
    from scripts.validate import triggers  # noqa: PLC0415 - only `make validate` has the SDK

    for function in deployment.functions:
        for trigger in function.triggers:
            yield from triggers.faults(trigger.kind, trigger.config, trigger.where)


def _of_serverless(
    given: Documents, document: dict[str, Any], *, native: bool, root: Path
) -> Iterator[Fault]:
    found: set[Fault] = set()
    resolved = serverless.resolved(document, found)
    deployment = serverless.deployment(resolved)
    yield from found
    yield from functions.faults(deployment, root)
    yield from agreement.faults(_read(given["template.yml"]).deployments[0], deployment)
    if native:
        yield from serverless.schema_faults(resolved)
        yield from _triggers(deployment)
