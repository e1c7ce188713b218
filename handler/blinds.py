"""Hides the secrets of an invocation in log lines, wherever they are in a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Final
from urllib.parse import quote

from msgspec import Struct, field

HIDDEN: Final = "***"

_SHORTEST: Final = 4  #: a shorter text is not a secret: hiding it would hide half of every line

_MOST_RECENT: Final = 64  #: secrets of ended invocations, which a late error may still repeat

#: Up to this many beginnings of secrets, it is faster to look for each of them first.
_FEW: Final = 64

#: How many texts are cached with their hidden form, and how long they may be: most of what lines hold, ids
#: and words, repeats.
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 4096, 128

#: The secrets in all their forms, by the beginnings of these; the longest form first.
_Forms = Mapping[str, tuple[str, ...]]


class _Known(Struct, frozen=True):
    secrets: tuple[str, ...] = ()
    forms: _Forms = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)  #: texts, as they may be logged

    def and_also(self, secrets: Iterable[str]) -> _Known:
        """Return these secrets and others: as they are, in a URL, in a URL within a URL, and in JSON."""
        new = {secret: None for secret in secrets if len(secret) >= _SHORTEST}
        forms = dict(self.forms)
        for secret in new:
            once = quote(secret, safe="")
            written = (json.dumps(secret, ensure_ascii=escaped)[1:-1] for escaped in (True, False))
            for form in {secret, once, quote(once, safe=""), *written}:
                begin = form[:_SHORTEST]
                forms[begin] = tuple(sorted({*forms.get(begin, ()), form}, key=len, reverse=True))
        others = (secret for secret in self.secrets if secret not in new)
        return _Known((*others, *new), forms)  # a secret that comes again becomes the newest


#: The secrets of the current invocation, which are kept until it ends, and the recent ones.
_in_use: ContextVar[_Known | None] = ContextVar("the secrets of this invocation", default=None)
_recent = _Known()


def add(secrets: Iterable[str]) -> None:
    """Hide these until the invocation ends, and for a while after."""
    _in_use.set((_in_use.get() or _recent).and_also(secrets))


def end() -> None:
    """Let the secrets of an ended invocation be forgotten, the oldest first."""
    global _recent  # noqa: PLW0603 - an instance of the function is one process
    known = _in_use.get()
    if known is not None and known.secrets != _recent.secrets:
        _recent = _Known().and_also(known.secrets[-_MOST_RECENT:])
    _in_use.set(None)


def hide(text: str) -> str:
    """Return a text with ``***`` for each secret; the time does not grow with their number."""
    known = _in_use.get() or _recent
    found = known.hidden.get(text)
    if found is None:
        found = _hide(text, known.forms)
        if len(text) <= _LONGEST_REMEMBERED and len(known.hidden) < _MOST_REMEMBERED:
            known.hidden[text] = found
    return found


def shows_nothing(text: str) -> bool:
    """Tell whether a text holds no secret; False also where that takes longer to tell."""
    return _shows_nothing(text, (_in_use.get() or _recent).forms)


def hide_these(text: str, secrets: Iterable[str]) -> str:
    """Return a text with ``***`` for each of these secrets."""
    return _hide(text, _Known().and_also(secrets).forms)


def _shows_nothing(text: str, forms: _Forms) -> bool:
    return len(forms) <= _FEW and not any(begin in text for begin in forms)


def _hide(text: str, forms: _Forms) -> str:
    if _shows_nothing(text, forms):
        return text  # nearly always
    parts, kept, at = [], 0, 0
    last = len(text) - _SHORTEST if forms else -1
    while at <= last:
        here = forms.get(text[at : at + _SHORTEST], ())
        found = next((form for form in here if text.startswith(form, at)), None)
        if found is None:
            at += 1
            continue
        parts += [text[kept:at], HIDDEN]
        kept = at = at + len(found)
    return "".join([*parts, text[kept:]])


_TOKEN: Final = re.compile(r"[!-~]{16,128}")
_LEAST_DIGITS: Final = 4
#: Ids of the cloud, our marks, times and addresses: no token looks like these, and every log needs them.
_OURS: Final = re.compile(
    r"""(i|eni|eci|lb|rsp|as[acghr])-[^-]*
    | (slb-)?swap[/._-].*
    | [0-9]{4}-[0-9]{2}-[0-9]{2}T.*
    | (?=.*[:.])[0-9A-Fa-f:.]*""",
    re.VERBOSE,
)


#: What is in settings, is as long as a secret and is none.
_NO_SECRET: Final = re.compile(
    r"""([a-z]{2,4}=)?(https?://)?[\w./-]+\.[a-z]{2,5}/?  # a host, a file
    | https?://[\w.:-]+/?
    | /[a-z0-9_./-]+                                     # a path
    | [a-z]+(_[a-z]+)+                                   # a key""",
    re.VERBOSE,
)
_WEBHOOK_SECRET: Final = re.compile(r"whs(ec|k|pk)_[^\s,'\"]+", re.IGNORECASE)
_WORD: Final = re.compile(r"\S{16,}")
_LONGEST_QUOTED: Final = 64


def quotable(text: str) -> str:
    """Return a value of a setting, for an error: without what may be a secret, at most 64 characters.

    A secret may be in the wrong variable, so a word that is as long as one is hidden, if it is not an id, an
    address, a host or a path.
    """
    text = _WORD.sub(_unless_known, hide_webhook_secrets(hide(text)))
    return text if len(text) <= _LONGEST_QUOTED else text[: _LONGEST_QUOTED - 3] + "..."


def hide_webhook_secrets(text: str) -> str:
    """Return a text with ``***`` for all that begins as the secrets of Standard Webhooks do."""
    return _WEBHOOK_SECRET.sub(HIDDEN, text)


def _unless_known(word: re.Match[str]) -> str:
    known = _OURS.fullmatch(word[0]) or _NO_SECRET.fullmatch(word[0])
    return word[0] if known else HIDDEN


def looks_like_a_token(text: str, names: Iterable[str] = ()) -> bool:
    """Tell whether a text may be the token of a lifecycle hook, and is not a word that a log needs.

    It comes in a message, so anybody who can publish one chooses it. Auto Scaling's tokens are UUIDs.
    ``names`` are those of the settings and the function: a part of a name is not a token either.
    """
    digits = sum(one.isdigit() for one in text)
    if not _TOKEN.fullmatch(text) or digits < _LEAST_DIGITS or _OURS.fullmatch(text):
        return False
    return not any(text in name for name in names)
