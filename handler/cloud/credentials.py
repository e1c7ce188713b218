"""The function's identity for the cloud, for one invocation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class NoCredentials(Exception):  # noqa: N818 - the name says what is the matter
    """Neither the context nor the environment has an access key."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key, and the token of a temporary one. ``repr`` shows nothing of them."""

    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)

    def secrets(self) -> tuple[str, ...]:
        """Return the parts that must never be shown, even the id, because logs outlive keys."""
        return tuple(
            part for part in (self.access_key_id, self.access_key_secret, self.security_token) if part
        )


def find(context: object, environ: Mapping[str, str]) -> Credentials:
    """Return the credentials of an invocation: the context's, or the environment's if it has none.

    Function Compute renews them for each invocation. Its Python 3.12 context has none; they are in the
    environment instead (Function Compute, Context). Raises NoCredentials.
    """
    given = getattr(context, "credentials", None)
    key_id = _text(given, "access_key_id") or _text(given, "accessKeyId")
    secret = _text(given, "access_key_secret") or _text(given, "accessKeySecret")
    if key_id and secret:
        return Credentials(key_id, secret, _text(given, "security_token") or _text(given, "securityToken"))
    key_id, secret, token = in_environment(environ)
    if key_id and secret:
        return Credentials(key_id, secret, token)
    raise NoCredentials(
        "no credentials: give the function a service role, or set ALIBABA_CLOUD_ACCESS_KEY_ID and "
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
    )


def in_environment(environ: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the key's id, its secret and the token that an environment has, each empty if it has none."""
    return (
        environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID", ""),
        environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ""),
        environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
    )


def _text(given: object, name: str) -> str:
    return getattr(given, name, None) or ""
