"""Which function answers which prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from mrvideo.models.base import Request
from mrvideo.models.offline import chapters, stages
from mrvideo.models.offline.reading import captions, names

HANDLERS: Mapping[str, Callable[[Request[Any]], BaseModel]] = {
    "characters": lambda request: names.find_names(_typed(request)),
    "caption_clip": lambda request: captions.caption_clip(_typed(request), request.pictures),
    "split_clip": lambda request: captions.split_clip(_typed(request), request.pictures),
    "merge_border": lambda request: captions.merge_border(request.pictures),
    "caption_scene": lambda request: captions.caption_scene(_typed(request), request.pictures),
    "possible_cast": lambda request: names.possible_names(_typed(request)),
    "link_cast": lambda request: names.link_names(_typed(request)),
    "confirm_name": lambda request: names.confirm_name(_typed(request)),
    "segment_intention": lambda request: stages.segment_intention(_typed(request)),
    "whole_intention": lambda request: stages.whole_intention(_typed(request)),
    "reduce_intentions": lambda request: stages.reduce_intentions(_typed(request)),
    "global_intention": lambda request: stages.global_intention(_typed(request)),
    "goals": lambda request: stages.goals(_typed(request)),
    "look_local": lambda request: stages.look(_typed(request), request.pictures),
    "look_global": lambda request: stages.look(_typed(request), request.pictures),
    "answer": lambda request: stages.answer(_typed(request)),
    "chapter": lambda request: chapters.chapter(_typed(request)),
    "tell": lambda request: chapters.tell(_typed(request)),
    "join_chapters": lambda request: chapters.join_chapters(_typed(request)),
    "verify": lambda request: stages.verify(_typed(request), request.pictures),
}


def _typed(request: Request[Any]) -> Any:
    """The inputs; each prompt has one type of them, which `mrvideo.schemas` fixes."""
    return request.inputs
