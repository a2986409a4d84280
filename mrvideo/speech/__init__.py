"""Speech to text with times, and which entity speaks.

transcriber = open_transcriber(transcriber_settings("openai:whisper-1", api_key=key), ledger=Ledger())
transcript = transcribe("talk.mp4", transcriber=transcriber)
transcript.cues, transcript.failures, transcript.usage
"""

from mrvideo.speech.port import Transcriber
from mrvideo.speech.registry import open_transcriber, transcriber_fingerprint, transcriber_settings
from mrvideo.speech.transcribe import Transcript, transcribe

__all__ = [
    "Transcriber",
    "Transcript",
    "open_transcriber",
    "transcribe",
    "transcriber_fingerprint",
    "transcriber_settings",
]
