"""Pictures of two shapes side by side, what they show in words, and a dual encoder that learns both in seconds."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

SIDE = 32
COLOURS = {"red": (220, 30, 30), "green": (30, 180, 40), "blue": (40, 60, 220)}
SHAPES = ("circle", "square")
WORDS = ("[PAD]", "[UNK]", "[EOS]", "a", "of", "left", "right", *SHAPES, *COLOURS)
_TEXT_TOKENS = 9
_BATCH = 64
_SCALE = 15.0
_LEARNING_RATE = 1.5e-3


class Pair(NamedTuple):
    """What stands left, and what right of it: (colour, shape) each."""

    left: tuple[str, str]
    right: tuple[str, str]

    @property
    def words(self) -> tuple[str, str]:
        """The two ways of telling it."""
        left, right = " ".join(self.left), " ".join(self.right)
        return f"a {left} left of a {right}", f"a {right} right of a {left}"


THINGS = [(colour, shape) for colour in COLOURS for shape in SHAPES]
PAIRS = [Pair(left, right) for left in THINGS for right in THINGS if left[0] != right[0]]


def draw(pair: Pair, chance: random.Random, *, held_out: bool) -> Image.Image:
    """A picture of it. Sizes, places and shades that are held out are none of those that are not."""
    grey = chance.randint(100, 130)
    picture = Image.new("RGB", (SIDE, SIDE), (grey, grey, grey))
    brush = ImageDraw.Draw(picture)
    for (colour, shape), column in zip(pair, (7, 21), strict=True):
        x = column + (
            chance.uniform(1.6, 2.4)
            if held_out
            else chance.choice((chance.uniform(0, 1.4), chance.uniform(2.6, 4)))
        )
        y = chance.uniform(8, 24)
        radius = (
            chance.uniform(5.5, 5.9)
            if held_out
            else chance.choice((chance.uniform(4.5, 5.4), chance.uniform(6, 7.2)))
        )
        shade = tuple(
            max(0, min(255, round(value + (chance.choice((-1, 1)) * chance.uniform(12, 18) if held_out else chance.uniform(-11, 11)))))
            for value in COLOURS[colour]
        )  # fmt: skip
        box = (x - radius, y - radius, x + radius, y + radius)
        (brush.ellipse if shape == "circle" else brush.rectangle)(box, fill=shade)
    return picture


def train(folder: Path, *, steps: int, examples: int = 6000, seed: int = 0) -> Path:
    """A SigLIP of some ten thousand weights that has learnt what `PAIRS` are called, saved with its tokenizer
    and image processor.
    """
    import torch
    import transformers

    torch.manual_seed(seed)
    chance = random.Random(seed)
    text = {
        "vocab_size": len(WORDS), "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1,
        "num_attention_heads": 4, "max_position_embeddings": _TEXT_TOKENS, "eos_token_id": 2, "bos_token_id": 2,
        "pad_token_id": 0, "projection_size": 64,
    }  # fmt: skip
    vision = {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4,
        "image_size": SIDE, "patch_size": 8,
    }  # fmt: skip
    model: Any = transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=vision))
    shown = [chance.randrange(len(PAIRS)) for _ in range(examples)]
    drawn = [np.asarray(draw(PAIRS[place], chance, held_out=False), np.float32) for place in shown]
    pictures = torch.tensor(np.stack(drawn).transpose(0, 3, 1, 2) / 127.5 - 1)
    tellings = [words for pair in PAIRS for words in pair.words]
    texts = torch.tensor([_tokens(words) for words in tellings])
    right = torch.zeros(examples, len(tellings))
    for row, place in enumerate(shown):
        right[row, 2 * place : 2 * place + 2] = 0.5
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(0, examples, (_BATCH,))
        seen = _unit(model.get_image_features(pixel_values=pictures[batch]))
        told = _unit(model.get_text_features(input_ids=texts))
        loss = -(right[batch] * (_SCALE * seen @ told.T).log_softmax(1)).sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
    model.save_pretrained(folder)
    transformers.SiglipImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    save_tokenizer(folder, WORDS)
    return folder


def save_tokenizer(folder: Path, known: tuple[str, ...] | list[str]) -> None:
    """One that knows these words alone; the third of them ends a text."""
    import tokenizers
    import transformers

    words = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: place for place, word in enumerate(known)}, unk_token="[UNK]")
    )
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    words.post_processor = tokenizers.processors.TemplateProcessing("$A [EOS]", special_tokens=[("[EOS]", 2)])
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", eos_token="[EOS]"
    ).save_pretrained(folder)


def _tokens(text: str) -> list[int]:
    known = [WORDS.index(word) for word in text.split()] + [2]
    return (known + [0] * _TEXT_TOKENS)[:_TEXT_TOKENS]


def _unit(made: Any) -> Any:
    # From transformers 5 on an output that holds the vectors, before that the vectors themselves.
    vectors = getattr(made, "pooler_output", made)
    return vectors / vectors.norm(dim=-1, keepdim=True)
