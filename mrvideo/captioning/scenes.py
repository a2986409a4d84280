"""Recipe `fused`: one call per clip splits it, judges its border and captions it; one dense pass over the
pixels.

clips    |----|----|----|----|----|----|
cuts                    x                     a border on a cut parts two chains
chains   |---------------||------------|      within one, each call is told what was said of the running scene and says what is new;
              in turn         in turn         chains run side by side, and none is longer than a scene may be
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from string import ascii_lowercase
from typing import NamedTuple, TypeAlias

from mrvideo.captioning.called import evidence_of
from mrvideo.captioning.calls import Calls, together
from mrvideo.captioning.characters import mention_of
from mrvideo.captioning.frames import (
    Shown,
    room,
    sheets_beside,
    shows_before,
    small_before,
    spread,
    still_gap,
)
from mrvideo.captioning.glance import cells_of
from mrvideo.captioning.laying_out import draft_of, grouped, sightings_of
from mrvideo.captioning.options import cues_of
from mrvideo.captioning.rename import renamed
from mrvideo.captioning.said import said_of
from mrvideo.captioning.shard_records import BestSeen, Called, Corrected, SceneDraft
from mrvideo.captioning.shard_view import ClipView, ShardView, of_shots
from mrvideo.captioning.sheets import CELLS, Cell, sheets, touches_edge
from mrvideo.captioning.sightings import overlapping
from mrvideo.captioning.whereabouts import Whereabouts
from mrvideo.models.base import Capabilities, Picture, Request
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Failure, Mention, Sighting, Span
from mrvideo.schemas.captioning import CaptionClipInputs, CaptionClipReply, MentionLine, SaidLine
from mrvideo.schemas.shared import CueLine

_CUT_SECONDS = 0.05
_SHORT_WORDS = 14
"""Of a description of somebody who is not expected in a clip."""

Entries: TypeAlias = "list[SceneDraft | Failure]"


class Captioned(NamedTuple):
    """Captions of a shard, or of one chain of it: drafts and failures that cover its decoded clips, who was found only
    now, whose description was put right, and whom cues and texts call by name.
    """

    entries: Entries
    newcomers: tuple[Mention, ...] = ()
    corrected: tuple[Corrected, ...] = ()
    called: tuple[Called, ...] = ()


@dataclass(frozen=True)
class Known:
    """What is known of a shard before a clip of it is captioned."""

    view: ShardView
    where: Whereabouts
    watermarks: tuple[Sighting, ...]

    def watermarks_in(self, span: Span) -> tuple[str, ...]:
        """The watermarks that stand there at some time of the span, each once."""
        return tuple(dict.fromkeys(mark.text for mark in overlapping(self.watermarks, span)))


async def caption_clips(
    view: ShardView, mentions: Sequence[Mention], watermarks: tuple[Sighting, ...], calls: Calls
) -> Captioned:
    """The captions of a shard, chain by chain."""
    known = Known(view, Whereabouts(view), watermarks)
    # Who only finds words does not use what was said: no clip need wait for the one before.
    most = view.spec.options.longest_scene_seconds if calls.model.capabilities.judges else 0.0
    chains = await together(
        _caption_chain(known, chain, mentions, calls) for chain in _chains(view, longest_seconds=most)
    )
    return _distinct(chains, mentions)


def _chains(view: ShardView, *, longest_seconds: float) -> list[list[ClipView]]:
    """Runs of clips in which a scene may go on from one to the next without a cut between them."""
    most = max(1, int(longest_seconds / view.spec.options.clip_seconds))
    cuts = [shot.start_seconds for shot in view.shots if shot.transition != "start"]
    chains: list[list[ClipView]] = [[clip] for clip in view.clips[:1]]
    for left, right in pairwise(view.clips):
        border = right.span.start_seconds
        cut = any(abs(time - border) <= _CUT_SECONDS for time in cuts)
        if cut or border > left.span.stop_seconds + _CUT_SECONDS or len(chains[-1]) == most:
            chains.append([])
        chains[-1].append(right)
    return chains


async def _caption_chain(
    known: Known, chain: Sequence[ClipView], mentions: Sequence[Mention], calls: Calls
) -> Captioned:
    entries: Entries = []
    new: list[Mention] = []
    corrected: list[Corrected] = []
    called: list[Called] = []
    known_from = 0
    for clip in chain:
        here = entries[known_from:]
        first: list[Mention] = [*mentions, *new]
        # What an earlier run was answered is not asked again because the clip before it, which had failed,
        # has words now, or has put a description right.
        calls_of: list[_ClipCall] = [
            _ClipCall(known, clip, listed, said_of(here, listed), _present(here), _best_in(here))
            for listed in ([_put_right(first, corrected), first] if corrected else [first])
        ]
        whole = calls_of[0]
        call = next((one for given in calls_of for one in _variants(given) if one.answered(calls)), whole)
        if whole.said and not call.said:
            known_from = len(entries)
        reply = await calls.ask_fitting(call.request)
        if isinstance(reply, Failure):
            entries.append(reply)
            continue
        entries.extend(call.entries(reply))
        new += call.newcomers(reply)
        corrected += call.corrected(reply)
        called += call.called(reply)
    return Captioned(entries, tuple(new), tuple(corrected), tuple(called))


def _put_right(mentions: Sequence[Mention], corrected: Sequence[Corrected]) -> list[Mention]:
    """The mentions with the last descriptions that clips before have given them."""
    last = {one.name: one.description for one in corrected}
    return [
        one.model_copy(update={"description": last[one.name]}) if one.name in last else one
        for one in mentions
    ]


def _present(entries: Sequence[SceneDraft | Failure]) -> frozenset[str]:
    """Whom the last of the entries names: they may be leaving only now."""
    return frozenset(
        name for entry in entries[-1:] if isinstance(entry, SceneDraft) for name in entry.appearing
    )


def _best_in(entries: Sequence[SceneDraft | Failure]) -> dict[str, BestSeen]:
    """Where the entries saw each name best, whole and in a box; the last of them."""
    return {
        one.name: one
        for entry in entries
        if isinstance(entry, SceneDraft)
        for one in entry.best
        if one.box is not None and not touches_edge(one.box)
    }


@dataclass
class _ClipCall:
    """One clip's call: what it is told, and what its last request really showed."""

    known: Known
    clip: ClipView
    mentions: Sequence[Mention]
    said: tuple[SaidLine, ...]
    present: frozenset[str] = frozenset()
    best: Mapping[str, BestSeen] = field(default_factory=dict[str, BestSeen])
    has_before: bool = False
    seen: tuple[Shown, ...] = ()

    def answered(self, calls: Calls) -> bool:
        """Whether an earlier run got an answer to this very call."""
        digests = self.known.view.spec.answered
        return bool(digests) and self.request(calls.model.capabilities).digest in digests

    def request(self, able: Capabilities) -> Request[CaptionClipReply]:
        view, clip = self.known.view, self.clip
        expected = self.known.where.may_appear(self.mentions, clip.span, clip.shown)
        present = [one for one in self.mentions if one.name in self.present]
        listed = (*present, *(one for one in expected if one not in present))[:CELLS]
        sheet = exemplars(view, [self._shown_best(one) for one in listed], able)
        before = (small_before(clip.before),) if clip.before is not None and shows_before(able) else ()
        self.has_before = bool(before)
        changing = view.thinned(clip.shown)
        options = view.spec.options
        few = (
            changing
            if options.cells_per_clip is None
            else of_shots(changing, view.shots, cells_of(changing, view.shots, options))
        )
        self.seen = spread(few, room(able, taken=len(sheet) + len(before)))
        return Request(
            prompt=load_prompt("caption_clip"),
            inputs=CaptionClipInputs(
                span=clip.span,
                frame_times=tuple(one.time_seconds for one in self.seen),
                still_gap_seconds=still_gap(changing, self.seen, view.spec.options.frames_per_second),
                has_previous=self.has_before,
                begins_on=clip.begins_on if self.has_before else None,
                cuts_back=self.has_before and clip.cuts_back,
                said=self.said if self.has_before else (),
                mentions=mention_lines(listed),
                elsewhere=tuple(
                    MentionLine(name=one.name, description=in_short(one.description))
                    for one in sorted(self.mentions, key=lambda one: one.name)
                    if one not in listed
                ),
                watermarks=self.known.watermarks_in(clip.span),
                speech=view.spec.speech(clip.span),
                cues=tuple(CueLine.of(cue) for cue in cues_of(view.spec.cues, clip.span)),
                cut_times=clip.cuts_seen(self.seen),
            ),
            reply_type=CaptionClipReply,
            stage="caption",
            pictures=(*sheet, *before, *(one.picture() for one in self.seen)),
            span=clip.span,
        )

    def _shown_best(self, mention: Mention) -> Mention:
        """The mention as an earlier clip of the chain saw it best, where its exemplar is of this very clip, or cut by
        the picture's edge.
        """
        other = self.best.get(mention.name)
        poor = self.clip.span.contains(mention.exemplar_seconds) or (
            mention.box is not None and touches_edge(mention.box)
        )
        if other is None or not poor:
            return mention
        return mention.model_copy(update={"exemplar_seconds": other.seconds, "box": other.box})

    def entries(self, reply: CaptionClipReply) -> list[SceneDraft]:
        """The reply's scenes; they cover the clip."""
        clip = self.clip
        return [
            draft_of(
                group,
                shard_index=self.known.view.spec.index,
                shown=clip.span,
                frames=self.seen,
                continues=place == 0 and self.has_before and reply.continues_previous,
                same_picture=place == 0 and clip.same_picture,
                told=place == 0 and self.has_before and bool(self.said),
                lasts=reply.lasts,
            )
            for place, group in enumerate(grouped(reply.scenes, clip.span, clip.frame_times, clip.cut_times))
        ]

    def newcomers(self, reply: CaptionClipReply) -> list[Mention]:
        """Those whom only this clip shows."""
        return [mention_of(one, self.known.view, self.seen, late=True) for one in reply.newcomers]

    def corrected(self, reply: CaptionClipReply) -> list[Corrected]:
        """Descriptions of the listed that this clip shows to be wrong."""
        listed = {one.name: one.description for one in self.mentions}
        seconds = self.clip.span.start_seconds
        return [
            Corrected(name=name, seconds=seconds, description=text)
            for name, text in reply.corrected(listed).items()
        ]

    def called(self, reply: CaptionClipReply) -> list[Called]:
        """Names of the listed and of newcomers that really stand in a cue or a text near the time told."""
        labels = {one.name for one in (*self.mentions, *reply.newcomers)}
        cues = cues_of(self.known.view.spec.cues, self.clip.span)
        texts = sightings_of(reply.scenes, self.clip.span, [one.time_seconds for one in self.seen])
        found = [
            Called(name=one.label, called=one.called, evidence=evidence)
            for one in reply.called
            if one.label in labels and (evidence := evidence_of(one, cues, texts)) is not None
        ]
        # A clip has one vote, however often it says so.
        return list({(one.name, one.called): one for one in reversed(found)}.values())[::-1]


def _variants(call: _ClipCall) -> list[_ClipCall]:
    """The call as it is; as it was when the clip before had failed; and without each of the newcomers since."""
    early = [mention for mention in call.mentions if not mention.late]
    lists = [call.mentions, *([early] if len(early) < len(call.mentions) else [])]
    told = ((call.said, call.present, call.best), ((), frozenset[str](), dict[str, BestSeen]()))
    return [
        replace(call, mentions=mentions, said=said, present=present, best=best)
        for mentions in lists
        for said, present, best in told
    ]


def _distinct(chains: Sequence[Captioned], mentions: Sequence[Mention]) -> Captioned:
    """All of the chains. Those that know nothing of each other may give two individuals one name: the later is renamed."""
    taken = {mention.name for mention in mentions}
    entries: Entries = []
    newcomers: list[Mention] = []
    corrected: list[Corrected] = []
    called: list[Called] = []
    for found, new, corrections, real in chains:
        names = {name: name for name in taken}
        for mention in new:
            name = mention.name if mention.name not in taken else _free(mention.name, taken)
            taken.add(name)
            names[mention.name] = name
            newcomers.append(mention.model_copy(update={"name": name}))
        corrected += (one.model_copy(update={"name": names[one.name]}) for one in corrections)
        called += (one.model_copy(update={"name": names[one.name]}) for one in real)
        if all(old == name for old, name in names.items()):
            entries += found
        else:
            entries += [entry if isinstance(entry, Failure) else _renamed(entry, names) for entry in found]
    return Captioned(entries, tuple(newcomers), tuple(corrected), tuple(called))


def _free(name: str, taken: set[str]) -> str:
    kind = name.rpartition("_")[0]
    letters = [*ascii_lowercase, *(a + b for a in ascii_lowercase for b in ascii_lowercase)]
    return next(new for letter in letters if (new := f"{kind}_{letter}") not in taken)


def _renamed(draft: SceneDraft, names: dict[str, str]) -> SceneDraft:
    return draft.model_copy(
        update={
            "brief": renamed(draft.brief, names),
            "detailed": renamed(draft.detailed, names),
            "appearing": tuple(names.get(name, name) for name in draft.appearing),
            "best": tuple(
                one.model_copy(update={"name": names.get(one.name, one.name)}) for one in draft.best
            ),
        }
    )


def exemplars(
    view: ShardView, mentions: Sequence[Mention], capabilities: Capabilities
) -> tuple[Picture, ...]:
    """The mentions' exemplars as one sheet, where a call has room for it."""
    if not sheets_beside(capabilities):
        return ()
    frames = [(mention, view.exemplar_frame(mention)) for mention in mentions[:CELLS]]
    return sheets(
        [Cell(f"<{mention.name}>", frame, mention.box) for mention, frame in frames if frame is not None]
    )


def mention_lines(mentions: Sequence[Mention]) -> tuple[MentionLine, ...]:
    """The mentions as the caption prompts list them."""
    return tuple(MentionLine(name=mention.name, description=mention.description) for mention in mentions)


def in_short(description: str) -> str:
    """A description's first phrases, those that last, within some fourteen words; none is cut in its middle."""
    phrases = re.split(r"(?<=[,;]) +", description)
    kept = [phrases[0]]
    for phrase in phrases[1:]:
        if sum(len(one.split()) for one in (*kept, phrase)) > _SHORT_WORDS:
            break
        kept.append(phrase)
    return " ".join(kept).rstrip(",;")
