"""Who may call: access keys, each with a policy, and the registry that finds them by key id."""

import secrets
import threading
from dataclasses import dataclass
from typing import Protocol


class Policy(Protocol):
    """What an identity may do; the RAM policies of the template stand behind it."""

    def allows(self, action: str, resource: str) -> bool:
        """Whether `action` (`slb:DescribeHealthStatus`) is allowed on `resource` (an ARN, or `*`)."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """An access key. No policy: it may do everything. `worker` names the function's process that holds it."""

    name: str
    access_key_id: str
    access_key_secret: str
    security_token: str | None = None
    policy: Policy | None = None
    worker: str | None = None

    def allows(self, action: str, resource: str) -> bool:
        """Whether this identity may do `action` on `resource`."""
        return self.policy is None or self.policy.allows(action, resource)


def new_identity(
    name: str, *, policy: Policy | None = None, worker: str | None = None, temporary: bool = False
) -> Identity:
    """An identity with random keys; `temporary` gives it an STS key and a security token."""
    return Identity(
        name=name,
        access_key_id=("STS.N" if temporary else "LTAI") + secrets.token_hex(10),
        access_key_secret=secrets.token_hex(15),
        security_token="CAIS" + secrets.token_urlsafe(48) if temporary else None,
        policy=policy,
        worker=worker,
    )


class Registry:
    """The identities that are known; threads may add and remove while others look up."""

    def __init__(self, *identities: Identity) -> None:
        self._lock = threading.Lock()
        self._by_key = {identity.access_key_id: identity for identity in identities}

    def add(self, identity: Identity) -> Identity:
        """Make an identity known and return it."""
        with self._lock:
            self._by_key[identity.access_key_id] = identity
        return identity

    def remove(self, access_key_id: str) -> None:
        """Forget a key; one that is not known is no error."""
        with self._lock:
            self._by_key.pop(access_key_id, None)

    def find(self, access_key_id: str) -> Identity | None:
        """The identity of a key id."""
        return self._by_key.get(access_key_id)
