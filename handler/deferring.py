"""Modules that others import at once and we may never need: loaded when they are first touched."""

from __future__ import annotations

import importlib.util
import sys


def defer(*names: str) -> None:
    """Put submodules off until one of their attributes is read; the package around each is imported.

    It holds for ``from package import module`` alone: ``import package.module`` looks into what it finds, and
    so loads it. A module that is there already, or cannot be found, is left alone.
    """
    for name in names:
        package, _, child = name.rpartition(".")
        spec = None if name in sys.modules else importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            continue
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        setattr(sys.modules[package], child, module)
