"""Models: the port, its adapters, and the one layer of limits around each of them."""

from mrvideo.models.budget import Budget
from mrvideo.models.ledger import Ledger
from mrvideo.models.registry import open_model
from mrvideo.models.settings import ModelSettings

__all__ = ["Budget", "Ledger", "ModelSettings", "open_model"]
