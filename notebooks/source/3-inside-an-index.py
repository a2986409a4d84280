# %% [markdown]
# # Inside an index
#
# What is kept of a video: scenes, shots, speech, texts on screen, the cast, and what it cost. Everything is a typed record, so
# it is easily drawn.
# %%
import matplotlib.pyplot as plt

import mrvideo

video = mrvideo.index("../demo/harbour.mp4")
print(video)
video.scenes[1]
# %% [markdown]
# ## The timeline
# %%
rows = {
    "shots": [(s.start_seconds, s.duration_seconds) for s in video.shots],
    "scenes": [(s.start_seconds, s.duration_seconds) for s in video.scenes],
    "speech": [(c.start_seconds, c.duration_seconds) for c in video.cues],
    "text on screen": [(t.start_seconds, t.duration_seconds) for s in video.scenes for t in s.sightings],
    "not seen": [(f.start_seconds, f.duration_seconds) for f in video.failures],
}
fig, ax = plt.subplots(figsize=(11, 3))
for y, (name, spans) in enumerate(rows.items()):
    colours = ["#4c78a8", "#9ecae9"] if name != "not seen" else ["#c33"]
    ax.broken_barh(spans, (y - 0.35, 0.7), facecolors=[colours[i % len(colours)] for i in range(len(spans))] or colours)
ax.set_yticks(range(len(rows)), rows)
ax.set_ylim(len(rows) - 0.5, -0.5)
ax.set_xlim(0, video.info.duration_seconds)
ax.set_xlabel("seconds")
ax.set_title("what an index knows of the demo film")
plt.show()
# %% [markdown]
# ## The cast
#
# The offline model knows people by the names in subtitles only; a vision model sees them, and merges the same person of all
# scenes into one entity.
# %%
from IPython.display import display

for entity in video.entities:
    display(entity)
# %%
names = [e.display_name or e.name for e in video.entities]
fig, ax = plt.subplots(figsize=(11, 0.5 + 0.5 * len(names)))
for y, entity in enumerate(video.entities):
    spans = [(video.scenes[i].start_seconds, video.scenes[i].duration_seconds) for i in entity.scene_indexes]
    ax.broken_barh(spans, (y - 0.3, 0.6), facecolors=f"C{y}")
ax.set_yticks(range(len(names)), names)
ax.invert_yaxis()
ax.set_xlim(0, video.info.duration_seconds)
ax.set_xlabel("seconds")
ax.set_title("who is in which scene")
plt.show()
# %% [markdown]
# ## Frames
#
# Frames are not kept: they are read from the file when asked for, by time.
# %%
import io

from PIL import Image

times = [s.span.middle_seconds for s in video.scenes[:8]]
fig, axes = plt.subplots(1, len(times), figsize=(14, 2))
for ax, frame in zip(axes, video.frames(times, long_side_pixels=240)):
    ax.imshow(Image.open(io.BytesIO(frame.jpeg)))
    ax.set_title(f"{frame.time_seconds:.1f} s", fontsize=9)
    ax.axis("off")
plt.show()
# %% [markdown]
# ## What it would cost
#
# `estimate` counts calls, images and tokens before anything is paid. Two recipes give the same records; `fused` looks at every
# frame once, `paper` twice.
# %%
from mrvideo.session.estimating import estimate_index

estimate = estimate_index("../demo/harbour.mp4", mrvideo.load_settings(vision="openai:gpt-5-mini"))
fig, axes = plt.subplots(1, 2, figsize=(11, 3), sharey=True)
for ax, (recipe, stages) in zip(axes, estimate.recipes.items()):
    stages = {name: s for name, s in stages.items() if name not in ("total", "sum")}
    ax.barh(list(stages), [s.images for s in stages.values()], color="#4c78a8")
    cost = sum(s.cost or 0 for s in stages.values())
    ax.set_title(f"{recipe}: {sum(s.calls for s in stages.values())} calls, about ${cost:.2f}")
    ax.set_xlabel("images sent")
    ax.invert_yaxis()
plt.tight_layout()
plt.show()
print(estimate.assumptions)
