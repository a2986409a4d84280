"""Which models can be asked packed, and what of their insides that needs.

Qwen2-VL, Qwen2.5-VL and Qwen3-VL (dense and mixture of experts) share one build: a tower that takes patches
and cumulative lengths, a language model that takes embeddings and three positions a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import vision_utils as _vision_utils

from mrvideo.models.packed.attention import NAME
from mrvideo.models.packed.rewrites import rewrite

# Typed in part only; what is read from it here is checked by the tests.
vision_utils: Any = _vision_utils

_MOST_PLANS = 256

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe")
Grid = tuple[int, int, int]
Features = tuple[torch.Tensor, ...]
"""An image's embeddings (tokens, width), then what goes into the first layers of the language model, if
anything.
"""

_CHANGES_DECODING = {
    "num_beams": 1,
    "no_repeat_ngram_size": 0,
    "bad_words_ids": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
    "min_new_tokens": None,
    "encoder_repetition_penalty": 1.0,
    "sequence_bias": None,
}


def can_pack(model: Any) -> bool:
    """Whether this model is of a known family, decodes in the plain way and is whole on one device."""
    if getattr(model.config, "model_type", None) not in FAMILIES:
        return False
    text = model.config.text_config
    if getattr(text, "use_sliding_window", False) or len({part.device for part in model.parameters()}) > 1:
        return False
    asked = model.generation_config
    return all(getattr(asked, name, plain) in (plain, None) for name, plain in _CHANGES_DECODING.items())


class PackedModel:
    """A model of a known family, rewritten and set to packed attention."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.text_config = model.config.text_config
        self.vision_config = model.config.vision_config
        self.merge: int = self.vision_config.spatial_merge_size
        self.image_token: int = model.config.image_token_id
        self.rewritten = rewrite(model)
        self._plans: dict[tuple[Grid, ...], dict[str, Any]] = {}
        for config in (model.config, self.text_config, self.vision_config):
            config._attn_implementation = NAME

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights."""
        return self.model.dtype

    def image_tokens(self, grid: Grid) -> int:
        """Tokens in the prompt of an image of that grid (frames, rows, columns of patches)."""
        return grid[0] * grid[1] * grid[2] // self.merge**2

    @torch.inference_mode()
    def encode(self, pixels: torch.Tensor, grids: Sequence[Grid]) -> list[Features]:
        """The tower, once, over the patches (patches, values) of all these images."""
        plan = self._plan(tuple(grids))
        out = self.model.model.visual(
            pixels.to(self.device, self.dtype), grid_thw=plan["grid_thw"], **plan["given"]
        )
        sizes = [self.image_tokens(grid) for grid in grids]
        parts: list[Any] = [out.pooler_output, *(getattr(out, "deepstack_features", None) or [])]
        return list(zip(*(part.split(sizes) for part in parts), strict=True))

    def _plan(self, grids: tuple[Grid, ...]) -> dict[str, Any]:
        """Positions and lengths that depend on the images' sizes alone: made on the CPU, once for equal
        sizes.
        """
        if grids not in self._plans:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[grids] = self._planned(grids)
        return self._plans[grids]

    def _planned(self, grids: tuple[Grid, ...]) -> dict[str, Any]:
        grid = torch.tensor(grids, dtype=torch.long)
        tower = self.model.model.visual
        starts = vision_utils.get_vision_cu_seqlens(grid)
        given: dict[str, Any] = {
            "position_ids": vision_utils.get_vision_position_ids(grid, self.merge),
            "cu_seqlens": starts,
            "max_seqlen": int(starts.diff().max()),
        }
        if hasattr(tower, "fullatt_block_indexes"):
            index, windows = vision_utils.get_vision_window_index(
                grid, self.merge, tower.window_size, tower.patch_size
            )
            given |= {
                "window_index": index,
                "cu_window_seqlens": windows,
                "max_window_seqlen": int(windows.diff().max()),
            }
        if hasattr(tower, "interpolation_mode"):
            indices, weights = vision_utils.get_vision_interpolation_indices_and_weights(
                grid,
                num_grid_per_side=tower.num_grid_per_side,
                mode=tower.interpolation_mode,
                align_corners=tower.interpolation_align_corners,
                spatial_merge_size=self.merge,
            )
            given |= {"interp_indices": indices, "interp_weights": weights}
        moved = {k: v.to(self.device) if isinstance(v, torch.Tensor) else v for k, v in given.items()}
        return {"grid_thw": grid.to(self.device), "given": moved}

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """(T,) token numbers to (T, width)."""
        return self.model.get_input_embeddings()(tokens)

    def forward(self, embeddings: torch.Tensor, positions: torch.Tensor, **given: Any) -> torch.Tensor:
        """The language model's last hidden states (T, width), from embeddings (T, width) and positions (3,
        T).
        """
        out = self.model.model.language_model(
            inputs_embeds=embeddings.unsqueeze(0),
            position_ids=positions.unsqueeze(1),
            attention_mask=None,
            use_cache=False,
            **given,
        )
        return out.last_hidden_state.squeeze(0)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """(T, width) to (T, vocabulary)."""
        return self.model.lm_head(hidden)

    def positions(self, tokens: torch.Tensor, grids: Sequence[Grid]) -> tuple[torch.Tensor, int]:
        """Three positions (3, T) of each token of a prompt, and the position that the reply begins at.

        Text counts on in all three; an image's tokens count by frame, row and column from where it begins,
        and what follows goes on after its longer side (Wang et al., arXiv 2409.12191, M-RoPE).
        """
        parts: list[torch.Tensor] = []
        is_image = tokens == self.image_token
        at, now = 0, 0
        for grid in grids:
            begin = at + int(is_image[at:].int().argmax())
            text = torch.arange(now, now + begin - at).expand(3, -1)
            now += begin - at
            frames, rows, columns = grid[0], grid[1] // self.merge, grid[2] // self.merge
            parts += [
                text,
                torch.cartesian_prod(*map(torch.arange, (frames, rows, columns))).T.reshape(3, -1) + now,
            ]
            now += max(rows, columns)
            at = begin + frames * rows * columns
        rest = len(tokens) - at
        parts.append(torch.arange(now, now + rest).expand(3, -1))
        return torch.cat(parts, dim=1), now + rest
