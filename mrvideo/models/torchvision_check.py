"""Whether torchvision can be imported, and transformers made to do without it where it cannot."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec


@cache
def torchvision_problem() -> str | None:
    """Why the torchvision that is installed cannot be imported, in one line; None where it can, or where
    there is none.

    Imports torch, which takes seconds. The usual reason is a torchvision that was built for another torch.
    """
    try:
        if find_spec("torchvision") is None:
            return None
        import_module("torchvision")
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        reason = " ".join(str(error).split())[:160]
        return f"broken ({type(error).__name__}: {reason})"
    return None


def torchvision_loads() -> bool:
    """Whether there is a torchvision, and it can be imported."""
    return find_spec("torchvision") is not None and torchvision_problem() is None


def set_aside_broken_torchvision() -> str | None:
    """Hide a torchvision that cannot be imported, and return why it cannot; call it before models are
    imported.

    transformers takes an installed torchvision for one that works, and then fails at it in every image
    processor.
    """
    problem = torchvision_problem()
    if problem is not None:
        # Python's own way to say that there is no such module: finders and import statements both heed it.
        sys.modules["torchvision"] = None  # type: ignore[assignment]
        # A program may have imported transformers before; what it found out then it keeps in caches.
        seen = vars(sys.modules.get("transformers.utils.import_utils", sys))
        for name in [name for name in seen if name.startswith("is_torchvision")]:
            getattr(seen[name], "cache_clear", _nothing)()
    return problem


def _nothing() -> None: ...
