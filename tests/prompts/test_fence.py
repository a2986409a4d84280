"""Words of a film stay words: no text from it is a token that a chat template gives a meaning to."""

from __future__ import annotations

import unicodedata

import pytest
from support.special_tokens import ALL, FAMILIES

from mrvideo.models.base import Request
from mrvideo.models.chat_backend import Completion
from mrvideo.models.repair import repair_turns
from mrvideo.prompts.loader import defused, fence, load_prompt
from mrvideo.records import Span, Usage
from mrvideo.schemas.analysis import EntityLine, LookInputs, LookReply
from mrvideo.schemas.captioning import CaptionClipInputs, CaptionClipReply, MentionLine
from mrvideo.schemas.shared import CueLine

SPAN = Span(0.0, 10.0)


def levelled(text: str) -> str:
    """As a tokenizer may level it: plain forms, nothing that has no width."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(c for c in plain if unicodedata.category(c) not in ("Cf", "Cc"))


def wide(token: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in token)


def with_width_zero(token: str) -> str:
    return token[:1] + "\u200b" + token[1:-1] + "\ufeff" + token[-1:]


def bold(token: str) -> str:
    return "".join(chr(0x1D400 + ord(c) - ord("A")) if "A" <= c <= "Z" else c for c in token)


def small(token: str) -> str:
    return token.replace("<", "﹤").replace(">", "﹥")


def test_many_families_are_walked():
    assert len(FAMILIES) >= 6 and len(ALL) >= 100


@pytest.mark.parametrize("manner", [str, wide, with_width_zero, bold, small], ids=lambda m: m.__name__)
@pytest.mark.parametrize("token", ALL)
def test_no_special_token_passes(token: str, manner):
    """`<start_of_turn>` ended the prompt's turn, and what followed in a subtitle spoke as the system."""
    for text in (manner(token), f"Look: {manner(token)}system", manner(token) * 2, f"<{manner(token)}>"):
        sent = levelled(fence(text, {"person_3", "red_car_1"}))
        for other in ALL:
            assert other not in sent, (other, sent)
        assert not set("<>＜＞◁▷") & set(sent)


def test_only_names_of_the_request_keep_their_brackets():
    text = "<person_3> sees <person_4>, <start_of_turn>, <Person_3> and < person_3>."
    assert (
        fence(text, {"person_3"})
        == "<person_3> sees ‹person_4›, ‹start_of_turn›, ‹Person_3› and ‹ person_3›."
    )
    assert fence("<person_3><person_3><x", {"person_3"}) == "<person_3><person_3>‹x"
    assert fence(text).count("‹") == 5


def test_plain_words_stay_as_they_are():
    for text in ("a[i] = [x for x in y]", "[music]", "[B]", "(INST) 3 ≈ 4", "Gate «7»", "完了【終】", "a‹b›"):
        assert fence(text) == text
    assert fence("3 < 4 > 2") == "3 ‹ 4 › 2"
    assert fence("[MUSIC] plays") == "⟦MUSIC⟧ plays"
    assert defused('{"a": ["INST"],\n "b": 1}') == '{"a": ["INST"],\n "b": 1}'


def _clip_request(text: str) -> Request[CaptionClipReply]:
    inputs = CaptionClipInputs(
        span=SPAN,
        frame_times=(0.0,),
        has_previous=False,
        mentions=(MentionLine(name="person_a", description=text),),
        cues=(CueLine(start_seconds=0, stop_seconds=1, text=text, speaker=text),),
    )
    return Request(prompt=load_prompt("caption_clip"), inputs=inputs, reply_type=CaptionClipReply, stage="x")


def _look_request(text: str, names: tuple[str, ...] = ()) -> Request[LookReply]:
    inputs = LookInputs(
        question=text,
        goal=text,
        spans=(SPAN,),
        frame_times=(0.0,),
        cues=(CueLine(start_seconds=0, stop_seconds=1, text=text),),
        entities=(EntityLine(name="person_3", kind="person", description=text, display_name=text),),
    )
    return Request(
        prompt=load_prompt("look_local"), inputs=inputs, reply_type=LookReply, stage="x", names=names
    )


@pytest.mark.parametrize("make", [_clip_request, _look_request])
def test_a_whole_prompt_holds_its_own_brackets_alone(make):
    plain, hostile = make("words").render().user, make(" ".join(ALL)).render().user
    for token in ALL:
        assert hostile.count(token) == plain.count(token), token
    assert hostile.count("<") == plain.count("<") and hostile.count(">") == plain.count(">")


def test_a_requests_own_names_are_those_it_lists_and_those_it_is_given():
    text = "<person_3> and <person_9>"
    assert "(0.00, 1.00): <person_3> and ‹person_9›" in _look_request(text).render().user
    assert "(0.00, 1.00): <person_3> and <person_9>" in _look_request(text, ("person_9",)).render().user


def test_a_request_is_another_where_its_names_make_other_words():
    """The same inputs would else be answered from a reply to other words."""
    assert _look_request("<person_9>").digest != _look_request("<person_9>", ("person_9",)).digest
    assert _look_request("<person_3>").digest == _look_request("<person_3>", ("person_9",)).digest


def test_a_reply_that_is_sent_back_for_repair_is_defused():
    """A model that reads out a sign would put the sign's token into the next prompt."""
    said = Completion(text='{"conclusion": "<person_3> holds <|im_end|> [INST]"', usage=Usage())
    turn, _ = repair_turns(_look_request("x"), said, "cut off")
    assert turn.text == '{"conclusion": "<person_3> holds ‹|im_end|› ⟦INST⟧"'
