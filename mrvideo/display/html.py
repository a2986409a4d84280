"""HTML of videos, answers, scenes and entities for notebooks: timelines, thumbnails, evidence frames.

Everything that came from a video is escaped by the template engine, and holds no marks that turn the
direction of what stands beside it; pictures are data URLs, so that a saved notebook shows them without the
file.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, StrictUndefined, Template

from mrvideo.errors import VideoError
from mrvideo.media.looks import FrameSource
from mrvideo.records import Answer, Entity, Index, Scene, Span, clock
from mrvideo.wording import counted, printable

STRIP_THUMBNAILS = 12
CAST_PICTURES = 8
EVIDENCE_FRAMES = 6
THUMBNAIL_PIXELS = 160

_STYLE = """
<style>
.mrv {font: 13px/1.45 system-ui, sans-serif; max-width: 980px; color: inherit}
.mrv h4 {margin: .2em 0 .4em; font-size: 14px}
.mrv .strip {display: flex; gap: 2px; overflow: hidden}
.mrv figure {margin: 0 6px 6px 0; display: inline-block; font-size: 11px; vertical-align: top}
.mrv .strip figure {margin: 0; flex: 1 1 0; min-width: 0}
.mrv .strip img {width: 100%; display: block}
.mrv figure img {border-radius: 3px}
.mrv .bar {position: relative; height: 14px; background: #8883; border-radius: 3px; overflow: hidden; margin: 4px 0}
.mrv .bar span {position: absolute; top: 0; bottom: 0; border-right: 1px solid #fff8}
.mrv .scene {background: #4c78a8}
.mrv .scene.odd {background: #72a0d0}
.mrv .unseen {background: repeating-linear-gradient(45deg, #c33, #c33 4px, #fff4 4px, #fff4 8px)}
.mrv .proof {background: #e4a11b}
.mrv table {border-collapse: collapse; font: inherit}
.mrv td, .mrv th {padding: 2px 10px 2px 0; text-align: left; vertical-align: top}
.mrv .quiet {opacity: .7}
</style>
"""

_VIDEO = """
<div class="mrv"><h4>{{ path }}</h4>
<div class="quiet">{{ counts }}</div>
<div class="strip">{% for time, picture in thumbnails %}<figure><img alt="frame at {{ time }}"
src="{{ picture }}"><span class="quiet">{{ time }}</span></figure>{% endfor %}</div>
<div class="bar">{% for part in scenes %}<span class="scene{{ ' odd' if loop.index is odd }}" title="{{ part.title }}"
style="left:{{ part.left }}%;width:{{ part.width }}%"></span>{% endfor %}{% for part in unseen %}<span class="unseen"
title="{{ part.title }}" style="left:{{ part.left }}%;width:{{ part.width }}%"></span>{% endfor %}</div>
{% for name, time, picture in cast %}<figure><img alt="frame at {{ time }}" width="110" src="{{ picture }}"><br><code>{{
name }}</code> {{ time }}</figure>{% endfor %}
{% if entities %}<div>{% for name in entities %}<code>{{ name }}</code> {% endfor %}</div>{% endif %}</div>
"""

_ANSWER = """
<div class="mrv"><div class="quiet">{{ question }}</div>
<h4>{{ answer }}</h4>
<div class="quiet">{{ marks }}</div>
{% if length %}<div class="bar">{% for part in evidence %}<span class="proof" title="{{ part.title }}"
style="left:{{ part.left }}%;width:{{ part.width }}%"></span>{% endfor %}{% for part in unseen %}<span class="unseen"
title="{{ part.title }}" style="left:{{ part.left }}%;width:{{ part.width }}%"></span>{% endfor %}</div>{% endif %}
{% for time, picture, quote in frames %}<figure><img alt="frame at {{ time }}" src="{{ picture }}"><br>{{ time }}
</figure>{% endfor %}
<table>{% for item in quotes %}<tr><td>{{ item.span }}</td><td>{{ item.source }}</td><td>{{ item.quote }}</td></tr>
{% endfor %}{% for item in nearest %}<tr><td>closest: {{ item.span }}</td><td>{{ item.source }}</td><td>{{ item.quote }}</td></tr>
{% endfor %}</table>
{% for item in unseen %}<div>not seen: {{ item.title }}</div>{% endfor %}</div>
"""

_SCENE = """
<div class="mrv"><h4>{{ span }} {{ brief }}</h4>{% for when, text in parts %}<div>{{ when }} {{ text }}</div>{% endfor %}

{% for text in texts %}<div class="quiet">on screen: “{{ text }}”</div>{% endfor %}
{% for name in names %}<code>{{ name }}</code> {% endfor %}</div>
"""

_ENTITY = """
<div class="mrv"><h4>{{ name }}</h4><div>{{ description }}</div>
<div class="quiet">{{ kind }}, first seen at {{ first }}, in {{ scenes }}</div></div>
"""

_PROGRESS = """
<div class="mrv">{% for note in notes %}<div class="quiet">{{ note }}</div>{% endfor %}
<table>{% for row in rows %}<tr><td>{{ row.stage }}</td><td><div class="bar" style="width: 240px"><span class="scene"
style="left: 0; width: {{ row.percent }}%"></span></div></td><td>{{ row.done }} of {{ row.total }}</td>
<td class="quiet">{{ row.spent }}</td></tr>{% endfor %}</table></div>
"""


def progress_html(rows: Sequence[tuple[str, int, int, str]], notes: Sequence[str]) -> str:
    """Bars of stages: (stage, done, total, what was spent)."""
    return _render(
        _PROGRESS,
        notes=notes,
        rows=[
            {
                "stage": stage,
                "done": done,
                "total": total,
                "percent": round(100 * min(done, total) / total, 1) if total else 0,
                "spent": spent,
            }
            for stage, done, total, spent in rows
        ],
    )


def video_html(index: Index, source: FrameSource | None) -> str:
    """A timeline strip: thumbnails, scenes, spans not seen, cast. Without a source (the file is gone) no
    pictures.
    """
    length = index.video.duration_seconds
    step = length / STRIP_THUMBNAILS if length else 0.0
    main = index.entities[:CAST_PICTURES]
    faces = _pictures(source, [entity.exemplar_seconds for entity in main])
    # A frame that cannot be read leaves its time out: then names alone, rather than one under another's face.
    cast = (
        [(_called(e), clock(t), p) for e, (t, p) in zip(main, faces, strict=True)]
        if len(faces) == len(main)
        else []
    )
    return _render(
        _VIDEO,
        path=index.video.path,
        scenes=[_part(s.span, length, f"{s.span} {s.brief}") for s in index.scenes],
        unseen=[_part(f.span, length, f"{f.span} {f.reason}") for f in index.failures],
        cast=cast,
        counts=", ".join([clock(length), *_counts(index)]),
        # Those whose frame is not shown, by name alone.
        entities=[_called(e) for e in index.entities[len(cast) :][:40]],
        thumbnails=[
            (clock(time), picture)
            for time, picture in _pictures(source, [step * (i + 0.5) for i in range(STRIP_THUMBNAILS)])
        ],
    )


def answer_html(
    answer: Answer, *, duration_seconds: float | None = None, source: FrameSource | None = None
) -> str:
    """The answer, a timeline of its evidence, and a frame from the middle of each evidence span."""
    marks = list(answer.marks)
    if answer.answer is None and answer.choice is None and answer.searched:
        marks.append(f"searched: {answer.searched}")
    length = duration_seconds or 0.0
    shown = answer.evidence[:EVIDENCE_FRAMES]
    middles = sorted({e.span.middle_seconds for e in shown})
    return _render(
        _ANSWER,
        question=answer.question,
        answer=answer.told,
        marks=", ".join(marks),
        length=length,
        evidence=[_part(e.span, length, f"{e.span} {e.told}") for e in answer.evidence],
        unseen=[_part(u.span, length, f"{u.span} {u.reason}") for u in answer.unseen],
        quotes=[{"span": str(e.span), "source": e.source, "quote": e.told} for e in answer.evidence],
        nearest=[{"span": str(e.span), "source": e.source, "quote": e.told} for e in answer.nearest],
        frames=[(clock(time), picture, "") for time, picture in _pictures(source, middles)],
    )


def scene_html(scene: Scene) -> str:
    """A scene's captions, part by part, and on-screen texts."""
    return _render(
        _SCENE,
        span=str(scene.span),
        brief=scene.brief,
        parts=[(str(part.span) if len(scene.parts) > 1 else "", part.text) for part in scene.parts],
        texts=[s.text for s in scene.sightings],
        names=scene.entity_names,
    )


def entity_html(entity: Entity) -> str:
    """A member of the cast."""
    return _render(
        _ENTITY,
        name=f"{entity.display_name} ({entity.name})" if entity.display_name else entity.name,
        description=entity.description,
        kind=entity.kind,
        first=clock(entity.exemplar_seconds),
        scenes=counted(len(entity.scene_indexes), "scene"),
    )


def _counts(index: Index) -> list[str]:
    counts = [
        counted(len(index.scenes), "scene"),
        counted(len(index.entities), "entity", "entities"),
        counted(len(index.cues), "cue"),
    ]
    return counts + ([f"{counted(len(index.failures), 'span')} not seen"] if index.failures else [])


def _called(entity: Entity) -> str:
    return entity.display_name or entity.name


def _part(span: Span, length: float, title: str) -> dict[str, object]:
    if length <= 0:
        return {"left": 0, "width": 0, "title": title}
    left = 100 * span.start_seconds / length
    # An instant still shows: two thousandths of the bar.
    return {
        "left": round(left, 3),
        "width": round(max(100 * span.duration_seconds / length, 0.2), 3),
        "title": title,
    }


def _pictures(source: FrameSource | None, times_seconds: list[float]) -> list[tuple[float, str]]:
    if source is None or not times_seconds:
        return []
    try:
        frames = source.at(times_seconds)
    except VideoError:
        return []  # The records stand without pictures: the file was moved since.
    encoded = [(f.time_seconds, base64.b64encode(f.jpeg).decode("ascii")) for f in frames]
    return [(time, f"data:image/jpeg;base64,{data}") for time, data in encoded]


@cache
def _template(source: str) -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, finalize=_clean)
    return environment.from_string(source)


def _clean(value: object) -> object:
    return printable(value) if isinstance(value, str) else value


def _render(template: str, **fields: object) -> str:
    return _STYLE + _template(template).render(**fields)
