"""Defers modules that others import but we may never need: they load when first used."""

from __future__ import annotations

import importlib.util
import sys


def defer(*names: str) -> None:
    """Load submodules only once one of their attributes is read; the packages around them are imported.

    Only ``from package import module`` defers: ``import package.module`` looks into the module, which loads
    it. A module that is loaded already, or cannot be found, is left alone.
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
