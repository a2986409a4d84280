"""Every error mrvideo raises on purpose, as one tree; callers catch by meaning.

    MrVideoError
    ├── InputError               what the user gave cannot be used (exit code 2)
    │   ├── VideoError           a file that is not a readable video
    │   │   ├── NoVideoStream    it holds no moving pictures (audio only, a cover, a still)
    │   │   ├── DecodeError      it breaks off or cannot be decoded
    │   │   ├── WebPage          an address holds a page or a list of addresses, not a media file
    │   │   ├── VideoChanged     it holds another video than the one that was asked for
    │   │   └── ReaderRefused    this reader cannot do it right; another one can
    │   ├── SubtitleError        a subtitle file that cannot be parsed
    │   ├── QuestionError        no question, one option only, …
    │   ├── SettingsError        a setting that does not exist or does not fit
    │   └── PromptError          a prompt file that breaks its own header
    ├── ModelError               a model could not be asked, or did not answer
    │   ├── ModelUnavailable     no such model, server out of reach, key refused (exit code 2)
    │   ├── ModelRefused         the server declined this one request for good
    │   │   ├── RequestTooLarge  more images or tokens than it takes; a smaller request may pass
    │   │   └── NotRecorded      a recording holds no reply to it
    │   ├── ModelBusy            retries are used up: rate limits, 5xx, timeouts
    │   └── ReplyInvalid         it answered, but outside the reply's bounds, also after repair
    ├── Stopped                  the caller cancelled the run; what is done is kept
    ├── BudgetReached            max_cost or max_tokens would be passed; what is done is kept
    ├── WorkerLost               a worker process keeps dying on one shard
    ├── NotWritten               the disk of a result's file is full, or fails (exit code 74)
    └── LibraryError             the library cannot be opened or written
        ├── LibraryLocked        another process holds it
        ├── LibraryReadOnly      no right to write
        ├── LibraryFull          no space left (exit code 74)
        ├── LibraryTooNew        written by a newer mrvideo
        └── LibraryDamaged       not a library, or a broken one; never overwritten

A message says what, where, and the way out, in one line.
"""

from __future__ import annotations

from mrvideo.wording import with_bare_addresses


class MrVideoError(Exception):
    """The root: anything mrvideo raises on purpose. `exit_code` is what the command line returns for it.

    Addresses in its message have lost their users, passwords and queries, whoever wrote it.
    """

    exit_code = 1

    def __init__(self, *args: object) -> None:
        super().__init__(*(with_bare_addresses(arg) if isinstance(arg, str) else arg for arg in args))


class InputError(MrVideoError):
    """What the user gave cannot be used."""

    exit_code = 2


class VideoError(InputError):
    """A file that is not a readable video."""


class NoVideoStream(VideoError):
    """The file holds no moving pictures."""


class DecodeError(VideoError):
    """The video breaks off or cannot be decoded."""


class WebPage(VideoError):
    """The address holds a page or a playlist, or does not answer simple requests: not a media file itself."""


class VideoChanged(VideoError):
    """The path holds another content than the one that was indexed or asked for. No frame of it is shown."""


class ReaderRefused(VideoError):
    """This reader would return wrong frames for this file; the message names the one that does not."""


class SubtitleError(InputError):
    """A subtitle file that cannot be parsed."""


class QuestionError(InputError):
    """A question that cannot be asked: empty, or with fewer than two options."""


class SettingsError(InputError):
    """A setting that does not exist, or a value that does not fit it."""


class PromptError(InputError):
    """A prompt file whose body and header disagree."""


class ModelError(MrVideoError):
    """A model could not be asked, or did not answer."""


class ModelUnavailable(ModelError):
    """No such model, server out of reach, or key refused: no request of this run can succeed."""

    exit_code = 2


class ModelRefused(ModelError):
    """The server declined this one request for good (400, content filter, too long)."""


class RequestTooLarge(ModelRefused):
    """The request holds more images or tokens than the server takes; the model's capabilities say by now how
    much it does.
    """


class NotRecorded(ModelRefused):
    """A recording holds no reply to this request, and will hold none when it is asked again."""


class ModelBusy(ModelError):
    """Retries are used up: rate limits, server errors, timeouts, lost connections."""


class ReplyInvalid(ModelError):
    """The model answered outside the reply's bounds, also after one repair round."""


class Stopped(MrVideoError):
    """The caller cancelled the run. What is done is kept."""

    exit_code = 130


class BudgetReached(MrVideoError):
    """`max_cost` or `max_tokens` would be passed by the next call. What is done is kept."""


class WorkerLost(MrVideoError):
    """A worker process died each time it ran one shard. What is done is kept."""


class NotWritten(MrVideoError):
    """A result cannot be written: its disk is full, or fails. A file that was there is as it was."""

    exit_code = 74
    """As sysexits.h numbers it."""


class LibraryError(MrVideoError):
    """The library cannot be opened or written."""

    exit_code = 2


class LibraryLocked(LibraryError):
    """Another process holds the library for too long."""


class LibraryReadOnly(LibraryError):
    """The library, or its folder, may not be written."""


class LibraryFull(LibraryError):
    """No space left on the library's disk."""

    exit_code = 74


class LibraryTooNew(LibraryError):
    """The library was written by a newer mrvideo."""


class LibraryDamaged(LibraryError):
    """Not a library, or a broken one. It is never overwritten."""
