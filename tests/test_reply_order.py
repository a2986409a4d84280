"""Every reply is written in the order observe, reason, decide: a server that decodes by schema makes a model
judge as it writes.
"""

from __future__ import annotations

import pytest

from mrvideo.schemas import captioning

# What a field of a reply is. One that is in none of the three is new: put it where it belongs.
OBSERVED = {
    "watermarks", "exemplar_seconds", "box", "seen_seconds", "description", "activity", "best_seconds", "start_seconds",
    "stop_seconds", "screen_text", "appearing", "detailed", "text", "seen", "cue_quote", "left", "top", "right", "bottom",
    "seconds", "lasts",
}  # fmt: skip
REASONED = {"brief", "traits"}
DECIDED = {
    "kind", "name", "characters", "newcomers", "corrections", "shared", "scenes", "names", "continues_previous", "same_scene", "card_ids", "groups", "left_id",
    "right_id", "better", "pairs", "confirmed",
}  # fmt: skip

REPLIES = (
    captioning.CharactersReply, captioning.CharacterReply, captioning.CaptionClipReply, captioning.SceneReply,
    captioning.Appearing, captioning.SplitClipReply, captioning.SplitReply, captioning.MergeBorderReply,
    captioning.CaptionSceneReply, captioning.PossibleCastReply, captioning.Group, captioning.LinkCastReply,
    captioning.LinkReply, captioning.ConfirmNameReply, captioning.SharedReply,
)  # fmt: skip


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.__name__)
def test_a_reply_of_stage_a_is_observed_reasoned_and_decided_in_this_order(reply: type) -> None:
    fields = list(reply.model_fields)  # type: ignore[attr-defined]
    ranks = [
        next(n for n, names in enumerate((OBSERVED, REASONED, DECIDED)) if field in names) for field in fields
    ]
    assert ranks == sorted(ranks), fields


def test_no_reply_type_of_stage_a_is_left_out() -> None:
    found = {
        name for name, value in vars(captioning).items() if name.endswith("Reply") and isinstance(value, type)
    }
    assert found - {"BoxReply", "RepairReply", "ReplyFormatReply"} <= {reply.__name__ for reply in REPLIES}
