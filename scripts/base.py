"""`make base`: template.yml without its functions, for functions that Serverless Devs deploys."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import yaml

from scripts.validate import reading
from scripts.validate.checking import ROOT


def base(document: dict[str, Any]) -> dict[str, Any]:
    """Roles, queue, log and alarms: what is neither a function nor of one, and what that refers to."""
    document = _of_one_writer(document)
    resources = {
        name: one
        for name, one in document["Resources"].items()
        if not one["Type"].startswith(("ALIYUN::FC3::", "ALIYUN::ESS::"))
    }
    outputs = {name: one for name, one in document["Outputs"].items() if not _lost(one, resources)}
    conditions = {
        name: one for name, one in document["Conditions"].items() if f'"{name}"' in json.dumps(resources)
    }
    kept = json.dumps([resources, outputs, conditions])
    parameters = {
        name: one
        for name, one in document["Parameters"].items()
        if f'{{"Ref": "{name}"}}' in kept or f"${{{name}}}" in kept
    }
    return {
        "ROSTemplateFormatVersion": document["ROSTemplateFormatVersion"],
        "Description": "What the functions of slb-swap need: roles, queue, log and alarms.",
        "Parameters": parameters,
        "Conditions": conditions,
        "Resources": resources,
        "Outputs": outputs,
    }


def _of_one_writer(value: Any) -> Any:
    """The template with one writer, which is all that Serverless Devs deploys."""
    match value:
        case {"Fn::If": ["SeveralWriters", _, one]}:
            return _of_one_writer(one)
        case dict():
            return {key: _of_one_writer(inner) for key, inner in value.items()}
        case list():
            return [_of_one_writer(inner) for inner in value]
        case str():
            return value.replace("${Writers}", "1")
    return value


def _lost(output: dict[str, Any], resources: dict[str, Any]) -> bool:
    written = json.dumps(output)
    named = re.findall(r'"Fn::GetAtt": \["(\w+)"', written) + re.findall(r"\$\{(\w+)\.\w+\}", written)
    return any(name not in resources for name in named)


def main() -> int:
    """Print the template."""
    print(yaml.safe_dump(base(reading.load(ROOT / "template.yml")), sort_keys=False, allow_unicode=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
