"""Processors of transformers, for pictures and text: loaded without the parts for videos where those cannot
be had.

AutoProcessor ─► loads? use it
      └─ no: its part for videos wants torchvision or num2words, and no video is ever sent
             └─► the same class without that part, or its twin below
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from transformers import AutoProcessor, ProcessorMixin
from transformers.utils import hub
from transformers.utils.import_utils import is_torchvision_available

from mrvideo.models.torchvision_check import torchvision_problem

_auto_processor: Any = AutoProcessor
_hub: Any = hub


def load_processor(path: str) -> Any:
    """The processor of a folder, or of the Hugging Face hub. Raises `ImportError` where its pictures need a
    package that is not there, `OSError` or `ValueError` where the files do not fit.
    """
    processor = _load(path)
    tokenizer = getattr(processor, "tokenizer", None)
    if tokenizer is not None and getattr(processor, "chat_template", None) is None:
        # Some classes drop it when they are loaded; the tokenizer reads the same file.
        processor.chat_template = tokenizer.chat_template
    return processor


def keep_pictures_whole(processor: Any) -> None:
    """Tell a processor not to cut pictures into tiles: frames come by the dozen, at the size a model reads
    best.
    """
    images = getattr(processor, "image_processor", None)
    for name in ("do_image_splitting", "do_pan_and_scan"):
        if getattr(images, name, False):
            setattr(images, name, False)
    if hasattr(images, "crop_to_patches"):
        # InternVL's processor asks for tiles whatever its files say, so only their number can be set.
        images.max_patches = 1  # pyright: ignore[reportOptionalMemberAccess]


def _load(path: str) -> Any:
    try:
        return _auto_processor.from_pretrained(path)
    except (
        ImportError,
        ValueError,
        TypeError,
    ) as error:  # TypeError: transformers 5.0, for want of torchvision
        kind = _pictures_only(_processor_class(path))
        if kind is not None:
            try:
                return kind.from_pretrained(path)
            except (ImportError, ValueError, TypeError):
                pass  # The first error says what is missing; this one, what is missing besides.
        if is_torchvision_available():
            raise
        reason = str(error).strip().split("\n")[0].split(". ")[0]
        state = torchvision_problem() or "not installed"
        raise ImportError(f"{reason}; torchvision, which may be what it needs, is {state}") from error


def _processor_class(path: str) -> str | None:
    """The name of the class that the files of a folder ask for."""
    for name in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        file: str | None = _hub.cached_file(path, name, _raise_exceptions_for_missing_entries=False)
        if file is None:
            continue
        found = json.loads(Path(file).read_text(encoding="utf-8")).get("processor_class")
        if found is not None:
            return cast("str", found)
    return None


def _pictures_only(name: str | None) -> Any:
    """The class of that name, without its part for videos; None where there is none such."""
    import transformers

    if name is None:
        return None
    # Both read the same files and word pictures alike; SmolVLM's wants a package for videos even to be made.
    twin = {"SmolVLMProcessor": "Idefics3Processor"}.get(name, name)
    kind: Any = PixtralPictures if name == "PixtralProcessor" else getattr(transformers, twin, None)
    if not isinstance(kind, type) or not issubclass(kind, ProcessorMixin):
        return None

    base: Any = kind

    def attributes(cls: Any) -> list[str]:
        parts: list[str] = base.get_attributes.__func__(cls)
        return [part for part in parts if part != "video_processor"]

    return type("PicturesOnly", (kind,), {"get_attributes": classmethod(attributes)})


class PixtralPictures(ProcessorMixin):
    """Pixtral's and Mistral Small 3's processor where torchvision is missing, without which transformers has
    none.

    A picture of r × c cells is r rows: c image tokens and a break, the last row with an end in the break's
    place.
    """

    def __init__(
        self,
        image_processor: Any,
        tokenizer: Any,
        patch_size: int = 16,
        spatial_merge_size: int = 1,
        chat_template: str | None = None,
        image_token: str = "[IMG]",  # noqa: S107 - a token, not a secret
        image_break_token: str = "[IMG_BREAK]",  # noqa: S107
        image_end_token: str = "[IMG_END]",  # noqa: S107
        **_: Any,
    ) -> None:
        base: Any = super()
        base.__init__(image_processor, tokenizer, chat_template=chat_template)
        self.image_token, self._break, self._end = image_token, image_break_token, image_end_token
        self.image_token_id = tokenizer.convert_tokens_to_ids(image_token)
        self._cell_pixels = patch_size * spatial_merge_size

    def _process_images(self, images: Any, **options: Any) -> Any:
        base: Any = super()
        return base._process_images(images, **{**options, "patch_size": self._cell_pixels})

    def replace_image_token(self, image_inputs: Any, image_idx: int, **_: Any) -> str:
        """The tokens of one picture, by its size after resizing."""
        height, width = (int(side) // self._cell_pixels for side in image_inputs["image_sizes"][image_idx])
        row = self.image_token * width
        return (row + self._break) * (height - 1) + row + self._end
