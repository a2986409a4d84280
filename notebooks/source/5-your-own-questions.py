# %% [markdown]
# # Evaluating on your own questions
#
# Which model, which effort? Put your own questions to your own video and count. A question needs options, the right one, and,
# better, the span where the answer can be seen.
# %%
from dataclasses import dataclass

import mrvideo
from mrvideo import Span


@dataclass
class Item:
    question: str
    options: list[str]
    right: int
    where: Span


ITEMS = [
    Item("What is the boat called?", ["Kittiwake", "Guillemot", "Puffin", "Albatross"], 0, Span(7, 21)),
    Item("Which word stands on the tag of the key?", ["K-17", "K-38", "B-38", "K-83"], 1, Span(98, 107)),
    Item("When does the ferry leave?", ["08:40", "09:10", "09:40", "10:40"], 2, Span(107, 114)),
    Item("How many steps up are written at the lighthouse?", ["57", "67", "77", "87"], 2, Span(68, 90)),
    Item("Where do the gulls sleep?", ["on the ferry", "at the lighthouse", "in the bakery", "on the pier"], 1, Span(57, 62)),
    Item("What will Mara bring to Ben tonight?", ["a bun", "a plum", "a mackerel", "an apple"], 2, Span(114, 125)),
    Item("What colour are Ben's socks?", ["red", "green", "striped", "he wears none"], 0, Span(0, 168)),
]
video = mrvideo.load("../demo/harbour.mp4")
# %% [markdown]
# The last one cannot be answered from this film, and no letter is forced: an honest system says so.
# %%
results = {}
for effort in ("low", "high"):
    results[effort] = [video.ask(item.question, item.options, effort=effort) for item in ITEMS]
for item, low, high in zip(ITEMS, *results.values()):
    marks = ["right" if a.choice == item.right else "not found" if a.choice is None else "wrong" for a in (low, high)]
    print(f"{item.question:52} low: {marks[0]:10} high: {marks[1]}")
# %% [markdown]
# ## Numbers with their doubt
#
# Accuracy with its standard error, and how often the evidence lies where the answer can be seen.
# %%
import math

import matplotlib.pyplot as plt


def summary(answers):
    asked = [(item, answer) for item, answer in zip(ITEMS[:-1], answers)]
    right = [answer.choice == item.right for item, answer in asked]
    pointed = [any(e.span.overlaps(item.where) for e in answer.evidence) for item, answer in asked]
    share = sum(right) / len(right)
    return share, math.sqrt(share * (1 - share) / len(right)), sum(pointed) / len(pointed)


for effort, answers in results.items():
    accuracy, error, pointed = summary(answers)
    calls = sum(a.usage.calls for a in answers)
    print(f"{effort:5} accuracy {accuracy:.0%} ± {error:.0%}, evidence at the right place {pointed:.0%}, {calls} calls")

fig, ax = plt.subplots(figsize=(11, 3.2))
for y, item in enumerate(ITEMS):
    ax.broken_barh([(item.where.start_seconds, item.where.duration_seconds)], (y - 0.4, 0.8), facecolors="#ddd")
    for e in results["high"][y].evidence:
        ax.broken_barh([(e.start_seconds, max(e.duration_seconds, 0.5))], (y - 0.25, 0.5), facecolors="#e4a11b", alpha=0.7)
ax.set_yticks(range(len(ITEMS)), [item.question[:38] for item in ITEMS], fontsize=8)
ax.invert_yaxis()
ax.set_xlim(0, video.info.duration_seconds)
ax.set_xlabel("seconds")
ax.set_title("where the answer can be seen (grey) and the evidence given at effort high (yellow)")
plt.tight_layout()
plt.show()
# %% [markdown]
# One answer in full, to see why:
# %%
results["high"][1]
# %% [markdown]
# Published benchmarks (Video-MME, LVBench, EgoSchema, …) are scored as their authors score by `mrvideo eval`, from your own
# copy of the data; see the docs.
