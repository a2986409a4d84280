# %% [markdown]
# # Bring your own model
#
# Any server that speaks the OpenAI chat API will do: vLLM, SGLang, Ollama, LM Studio, a proxy, the OpenAI API. Here a tiny one
# runs inside this notebook, so that you see what such a server is asked. Its "model" is thirty lines: it measures the mean
# colour of the frames it is sent.
# %%
import base64
import io
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

PALETTE = {"blue": (110, 170, 220), "sand": (225, 190, 130), "grey": (120, 120, 120), "dark": (30, 30, 50), "white": (235, 235, 235), "pink": (230, 150, 160)}
seen = []


def colour(url):
    picture = Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1])))
    mean = picture.convert("RGB").resize((1, 1)).getpixel((0, 0))
    return min(PALETTE, key=lambda name: sum((a - b) ** 2 for a, b in zip(PALETTE[name], mean)))


def think(request):
    """One reply: a JSON object that fits the schema that was asked for."""
    parts = [p for m in request["messages"] if isinstance(m["content"], list) for p in m["content"]]
    text = " ".join(p["text"] for p in parts if p["type"] == "text")
    colours = [colour(p["image_url"]["url"]) for p in parts if p["type"] == "image_url"]
    asked_for = request["response_format"]["json_schema"]["name"]
    seen.append({"reply": asked_for, "images": len(colours), "characters": len(text)})
    if asked_for == "CharactersReply":
        return {"characters": []}
    if asked_for == "CaptionClipReply":
        start, stop = map(float, re.search(r"runs from ([\d.]+) to ([\d.]+) s", text).groups())
        order = list(dict.fromkeys(colours))
        scene = {"start_seconds": start, "stop_seconds": stop, "brief": f"{' then '.join(order)} pictures"}
        scene["detailed"] = f"{len(colours)} frames were sent; their mean colours run {' → '.join(order)}."
        return {"continues_previous": False, "scenes": [scene | {"appearing": [], "screen_text": []}]}
    raise ValueError(f"this model has no idea of {asked_for}")


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = {"role": "assistant", "content": json.dumps(think(request))}
        usage = {"prompt_tokens": seen[-1]["characters"] // 4 + 85 * seen[-1]["images"], "completion_tokens": 40, "total_tokens": 0}
        body = json.dumps({"id": "1", "object": "chat.completion", "created": 0, "model": request["model"],
                           "choices": [{"index": 0, "finish_reason": "stop", "message": reply}], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
base_url = f"http://127.0.0.1:{server.server_port}/v1"
# %% [markdown]
# That is all `mrvideo` needs: a name and an address. A real one would be
# `mrvideo.index(film, vision="openai:Qwen/Qwen3-VL-8B-Instruct", base_url="http://localhost:8000/v1")`.
# %%
import mrvideo
from mrvideo.notebook import Bars

video = mrvideo.index("../demo/harbour.mp4", vision="openai:mean-colour", base_url=base_url, library="own-model.db", on_event=Bars())
video
# %%
for scene in video.scenes[:6]:
    print(scene.span, "|", scene.detailed)
# %% [markdown]
# ## What the server was asked
#
# One call per two minutes for the characters, one per ten seconds for the scenes, each with its frames. No request holds more
# than 40 images.
# %%
from collections import Counter

for kind, calls in Counter(s["reply"] for s in seen).items():
    images = [s["images"] for s in seen if s["reply"] == kind]
    print(f"{kind:18} {calls:3} calls, {min(images)}–{max(images)} images each")
usage = video.index.usage
print(f"{usage.calls} calls, {usage.images} images, {usage.input_tokens:,} tokens in, {usage.output_tokens} out, cost {usage.cost}")
# %% [markdown]
# The cost is `None`, not zero: nobody knows the price of this model. Give one in `~/.config/mrvideo/prices.toml`.
#
# ## Nothing is asked twice
#
# The index is kept, so the second time the server hears nothing.
# %%
calls_before = len(seen)
mrvideo.index("../demo/harbour.mp4", vision="openai:mean-colour", base_url=base_url, library="own-model.db")
print(len(seen) - calls_before, "calls")
# %% [markdown]
# ## A model that breaks
#
# When calls fail for good, their spans are listed, shown in red, and named in every answer; the next `index` tries them again.
# %%
def broken(request, whole=think):
    if "runs from 40.00 to 50.00 s" in json.dumps(request["messages"]):
        return {"sorry": "no"}
    return whole(request)


think = broken
partly = mrvideo.index("../demo/harbour.mp4", vision="openai:clumsy", base_url=base_url, library="own-model.db")
partly
# %%
for failure in partly.failures:
    print(failure.span, failure.stage, "|", failure.reason[:100])
server.shutdown()
