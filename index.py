"""The entry points that the templates name: ``swap`` and ``webhook``, each a function, and ``initialize``."""

from handler.main import initialize, swap
from handler.webhook import webhook

__all__ = ["initialize", "swap", "webhook"]
