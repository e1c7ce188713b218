"""What both ways of writing a template have in common: roles with their policies, and bounded numbers."""

from collections.abc import Mapping
from typing import Any

from localcloud.rpc.ram import Statement, statement
from localcloud.template.ros import Resolver, TemplateError


def role_policy(resolver: Resolver, role: Any, where: str) -> list[Statement]:
    """The statements of the role whose Arn a Role property gets; none where there is no Role."""
    if role is None:
        return []
    name = (role.get("Fn::GetAtt") or [None])[0] if isinstance(role, dict) else None
    found = resolver.resources.get(str(name))
    if found is None or found.get("Type") != "ALIYUN::RAM::Role":
        raise TemplateError(f"{where}.Role: an ALIYUN::RAM::Role of this template is needed, by Fn::GetAtt")
    at = f"Resources.{name}.Properties.Policies"
    policies = (found.get("Properties") or {}).get("Policies") or []
    return [
        one
        for index, policy in enumerate(policies)
        for one in statements(resolver, policy.get("PolicyDocument") or {}, f"{at}[{index}].PolicyDocument")
    ]


def statements(resolver: Resolver, document: Mapping[str, Any], where: str) -> list[Statement]:
    """The statements of a policy document, their values resolved."""
    found = []
    for index, raw in enumerate(document.get("Statement") or []):
        at = f"{where}.Statement[{index}]"
        try:
            found.append(statement(resolver.value(raw, at)))
        except ValueError as error:
            raise TemplateError(f"{at}.{error}") from error
    return found


def number(
    resolver: Resolver, where: str, raw: Mapping[str, Any], key: str, *, default: int, high: int, low: int = 1
) -> int:
    """A whole number within its bounds; TemplateError names its key."""
    value = resolver.value(raw.get(key, default), f"{where}.{key}")
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise TemplateError(f"{where}.{key}: a whole number from {low} to {high} is needed, not {value!r}")
    return value
