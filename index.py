"""The entry points that the templates name: ``swap`` and ``webhook``, each a function, and ``initialize``."""

import gc

# What modules are made of is never garbage: to look for some while they are loaded, and again at each later
# collection, is a sixth of a cold start.
gc.disable()

from handler.main import initialize, swap  # noqa: E402
from handler.webhook import webhook  # noqa: E402

gc.freeze()
gc.enable()

__all__ = ["initialize", "swap", "webhook"]
