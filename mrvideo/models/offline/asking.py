"""What kind of question is it? Told by patterns, the narrower ones first."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mrvideo.models.offline.kinds import Kind
from mrvideo.models.offline.naming import NOUN, SHOWN
from mrvideo.models.offline.words import times_in
from mrvideo.text import squeezed


def kind_of(low: str, options: Sequence[str]) -> Kind:
    """The kind of a question in lower case; `open` where no pattern fits."""

    def has(pattern: str) -> bool:
        return re.search(pattern, low) is not None

    yes_no = has(r"^(?:does|do|did|is|are|was|were|has|have|can|could|will)\b")
    if has(r"\bhow (?:long|many (?:seconds|minutes|hours)) (?:is|does|long is) (?:the |this )?(?:whole |entire )?(?:video|film|clip|movie|recording|footage)\b|\b(?:duration|length) of (?:the |this )?(?:whole |entire )?(?:video|film|clip|movie|recording)"):  # fmt: skip
        return "video_length"
    if has(r"\bhow (?:many times|often|frequently)\b|\bnumber of times\b|\bhow many (?:separate |distinct |different )?(?:occurrences|appearances|instances|occasions)\b"):  # fmt: skip
        return "count_times"
    if has(rf"\bhow many (?:\w+[\s-]){{0,4}}?(?:{NOUN})\b|\b(?:total |overall )?(?:number|count|amount) of (?:\w+[\s-]){{0,3}}?(?:words|texts|signs|titles|captions|numbers|codes|messages|phrases|sentences|lines|labels|subtitles|slides|cards|strings|passwords|names|items|needles)\b|\bhow many (?:different|distinct|unique)\b|\bcount (?:the|all|how)\b"):  # fmt: skip
        return "count_different"
    if yes_no and has(r"\b(?:before|after|earlier than|later than)\b"):
        return "precedes"
    if has(
        r"\border\b(?! (?:number|no\b|id\b|code|form|date|confirmation|status|total))|\bsequence\b|\bchronolog|\bone after (?:another|the other)\b"
    ):
        return "order"
    if has(r"\bbetween\b") and not times_in(low):
        return "between"
    long = has(
        r"\bhow long\b|\bhow many (?:seconds|minutes)\b|\bwhat is the duration\b|\bfor what duration\b"
    )
    if long and has(rf"QUOTED|quoted|{SHOWN}"):
        return "how_long"
    if has(r"^(?:(?:un)?till? |since |from )?when\b|\bat (?:what|which) (?:exact )?(?:time|second|minute|moment|point|timestamp)|\bwhat time ?stamp|\bat what time|\bwhich (?:second|minute|timestamp)|\b(?:what|which) (?:is the )?(?:time|moment|timestamp)s?\b.*\b(?:appear|shown|visible)|\bduring (?:what|which) (?:time|period|interval)|,? when\??$"):  # fmt: skip
        return "when"
    if has(r"\bwhat colou?rs?\b|\bwhich colou?rs?\b|\bwhat is the (?:main |dominant |background )*colou?r"):
        return "colour"
    if has(r"\bafter\b.+\b(?:but|and) before\b"):
        return "between"
    if has(
        r"^(?:what|which)\b.+\b(?:when|while|as|during|at the same time as|at the moment)\b \w"
    ) and not has(r"\bas (?:the|a|an) (?:answer|option|text|title|word)\b"):
        return "during"
    anchored = has(
        r"\b(?:after|before|following|preceding|precedes?|follows?|followed by|preceded by|next to appear after)\b"
    )
    if anchored and not has(
        r"\b(?:what|which)(?: of)?(?: the)? following\b(?!.*\b(?:after|before|preced|follows?)\b)"
    ):
        early = has(r"\bbefore\b|\bpreced(?:es?|ing)\b|\bfollowed by\b") and not has(
            r"\bpreceded by\b|\bafter\b"
        )
        return "before" if early else "after"
    ranked = bool(options) and has(r"\bwhich (?:person|speaker|character)\b.*\b(?:first|last)\b")
    if (
        has(
            r"^who\b|\b(?:speaker|narrator|presenter|host)'s name\b|\bname of the (?:speaker|narrator|presenter|host)\b|\bwhich (?:person|speaker|character)\b|\bwhose\b"
        )
        and not ranked
    ):
        return "who"
    if has(r"\b(?:first|last|final|earliest|latest|initial|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d+(?:st|nd|rd|th))\b") and not has(r"\b(?:first|last|final|second|third) (?:\d+|few|ten|five|three|two|minute|second|half|name|time)\b"):  # fmt: skip
        return "nth"
    if yes_no and not (options and not any(squeezed(o) in ("yes", "no", "true", "false") for o in options)):
        return "exists"
    if has(rf"\b(?:{NOUN})\b|\b(?:written|displayed|reads?|spelled)\b|\bwhat (?:is|was|are|were) (?:shown|on (?:the )?screen|visible|displayed)|\bwhat does .+ say\b|\b(?:which|what) (?:one )?of (?:the |these |those )?(?:following|options)?.*\b(?:appear|shown|display|seen|visible|occur|mentioned|said)|\bwhat (?:appears|is shown|shows up)\b"):  # fmt: skip
        return "read"
    return "open"
