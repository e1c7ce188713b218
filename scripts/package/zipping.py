"""The zip: the same files give the same bytes; and its checksums."""

from __future__ import annotations

import hashlib
import zipfile
from functools import cache
from pathlib import Path
from typing import Final

#: The first time that a zip can tell.
_TIME: Final = (1980, 1, 1, 0, 0, 0)
_POLYNOMIAL: Final = 0xC96C5795D7870F42


def write(code: Path, target: Path) -> None:
    """Write every file of a folder, in order, readable by all."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for path in sorted(code.rglob("*"), key=lambda one: one.relative_to(code).as_posix()):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(code).as_posix(), _TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3
                entry.external_attr = 0o100644 << 16
                zipped.writestr(entry, path.read_bytes())


def sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def crc64(content: bytes) -> int:
    """The CRC-64 that OSS calls x-oss-hash-crc64ecma, and Function Compute a package's checksum."""
    table, crc = _table(), 0xFFFFFFFFFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFFFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return tuple(table)
