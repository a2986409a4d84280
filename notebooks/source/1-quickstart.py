# %% [markdown]
# # Quickstart
#
# Index a film once, ask it anything, and see what each answer rests on. This runs offline: no key, no network, no GPU.
# The film is the demo of this repository, with subtitles beside it; put your own path in its place.
# %%
import mrvideo
from mrvideo.notebook import Bars

video = mrvideo.index("../demo/harbour.mp4", on_event=Bars())
video
# %% [markdown]
# That is what a video looks like: thumbnails, a strip of scenes (hover over it), the cast. Spans that could not be perceived
# would stand out in red. Now a question. The first answers from speech, the second from what is written in the picture.
# %%
video.ask("What will Mara bring to Ben tonight?")
# %%
answer = video.ask("Which word stands on the tag of the key?", ["K-17", "K-38", "B-38", "K-83"], on_event=Bars())
answer
# %% [markdown]
# Every field is typed, and the whole answer is one JSON object.
# %%
print(answer.choice, answer.confidence, answer.verified, f"{len(answer.claims)} claims")
for evidence in answer.evidence[:4]:
    print(evidence.span, evidence.source, "|", evidence.quote[:80])
# %% [markdown]
# What the film does not tell is not guessed.
# %%
video.ask("What is the name of the captain of the submarine?")
# %% [markdown]
# Scenes, and full-text search over captions, speech and text on screen:
# %%
video.scenes[2]
# %%
for hit in video.search("gulls", limit=5):
    print(hit.span, hit.source, "|", hit.text[:90])
