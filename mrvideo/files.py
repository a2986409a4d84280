"""Files as they are opened: looked at only once they are open, made for their owner alone, and written whole or
not at all.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from mrvideo.errors import InputError, MrVideoError, NotWritten
from mrvideo.wording import is_url

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OWNERS_FOLDER = 0o700
OWNERS_FILE = 0o600

_MOST_TOML_DOTS = 16
_TOML_STRINGS = re.compile(
    r'"""(?s:.*?)"""'
    r"|'''(?s:.*?)'''"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'|#[^\n]*"
)

_LONGEST_STEM = 40
"""Characters of a target's name in the name that it is written under: a file system takes 255 bytes."""
_LONGEST_SUFFIX = 16

DISK_FAULTS = {
    errno.ENOSPC: "free some space there, or write to another disk",
    errno.EDQUOT: "free some of your quota there, or write to another disk",
    errno.EFBIG: "that disk, or the shell's ulimit -f, takes no larger file; write to another disk",
    errno.EIO: "that disk fails; write to another one",
}
"""What a disk says that no other path on it would help with, and the way out."""

_NOT_BESIDE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV)
"""No file can be made or renamed in the folder, while the one that is there may yet be written."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def kind_of(path: Path) -> str | None:
    """What stands at the path in a regular file's place: "a named pipe"; None for a regular file and for
    nothing. Nothing is opened.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    return None if stat.S_ISREG(mode) else _named(mode)


def _named(mode: int) -> str:
    return next((word for of_kind, word in _KINDS if of_kind(mode)), "no file")


def read_small(
    path: Path,
    *,
    most_bytes: int,
    what: str,
    error: type[InputError] = InputError,
    folders: Sequence[Path] | None = None,
) -> bytes:
    """The file's bytes. Raises `error` for a file above `most_bytes` before it is read, for a pipe or device
    before anything is waited for, and for one that is missing or may not be read. `what` names its kind:
    "subtitle file". With `folders`, also for one that lies in none of them, wherever the path led a moment
    ago.
    """
    with open_regular(path, what=what, error=error) as file:
        if folders is not None and not lies_in(file.fileno(), path, folders):
            raise error(f"{path} leads outside the served folders; remove or replace it")
        found = os.fstat(file.fileno())
        if found.st_size > most_bytes:
            raise error(_too_big(path, found.st_size, most_bytes, what))
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:  # it grew meanwhile, or its size is not told
        raise error(_too_big(path, len(data), most_bytes, what))
    return data


def is_file(path: str | Path) -> bool:
    """Whether a file is there; no for a name that can be none: too long, with a zero byte, in a loop of
    links.
    """
    try:
        return Path(path).is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def is_folder(path: str | Path) -> bool:
    """Whether a folder is there; no for a name that can be none."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


def read_toml(data: bytes) -> dict[str, Any]:
    """What a TOML file says. Raises `ValueError`, in one line, for whatever is none or could not be worked
    with.

    Keys of very many parts, `a.a.a…`, are refused unread: the parser's time grows with the square of their
    number.
    """
    text = data.decode("utf-8")
    bare = _TOML_STRINGS.sub("_", text)
    if any(row.count(".") > _MOST_TOML_DOTS for row in bare.split("\n")):
        raise ValueError(f"a key of more than {_MOST_TOML_DOTS} parts")
    try:
        said = tomllib.loads(text)
        repr(
            said
        )  # Of a number in hexadecimal with thousands of digits there is no text, which a later message would need.
    except RecursionError:
        raise ValueError("nested too deep") from None
    return said


@contextlib.contextmanager
def open_regular(path: Path, *, what: str, error: type[InputError] = InputError) -> Generator[BinaryIO]:
    """The file, open for reading. Raises `error` for what is missing, may not be read or is no regular file,
    also where reading fails later; nothing is waited for.
    """
    try:
        # Opened first and looked at afterwards: what was checked is what is read. A pipe opens without
        # waiting.
        with open(path, "rb", opener=_at_once) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise error(f"{path} cannot be read: it is {_named(found.st_mode)}; give a {what}")
            yield file
    except FileNotFoundError as missing:
        raise error(f"cannot read {path}: there is no such {what}") from missing
    except IsADirectoryError as folder:
        raise error(f"{path} cannot be read: it is a folder; give a {what}") from folder
    except (OSError, ValueError) as failed:
        reason = failed.strerror if isinstance(failed, OSError) and failed.strerror else str(failed)
        raise error(f"cannot read {path} ({reason}); check the path and its permissions") from failed


def lies_in(handle: int, path: Path, folders: Sequence[Path]) -> bool:
    """Whether an open file, which was opened by this path, lies below one of the folders.

    Asked of the file that is open: a path may lead elsewhere by the time it is looked at once more.
    """
    try:
        real = Path(f"/proc/self/fd/{handle}").readlink()
    except OSError:
        # Where the system does not tell: the path leads there now, and to that very file.
        try:
            real = path.resolve()
            if not os.path.samestat(real.stat(), os.fstat(handle)):
                return False
        except (OSError, RuntimeError):
            return False
    return any(real.is_relative_to(folder.resolve()) for folder in folders)


def make_owners_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for its owner alone; one that is there stays as it
    is.

    Raises `OSError`.
    """
    missing = [path] if not path.exists() else []
    for above in path.parents if missing else ():
        if above.exists():
            break
        missing.append(above)
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=OWNERS_FOLDER)
    if not path.is_dir():
        path.mkdir()  # says what stands in the way


def make_owners_file(path: Path) -> None:
    """Make an empty file for its owner alone, in a folder that is made so, too; one that is there stays as it
    is.

    For libraries that open files by themselves. Raises `OSError`.
    """
    make_owners_folder(path.parent)
    if not path.exists():
        # One that another thread has made meanwhile is not opened: closing it would drop SQLite's locks on it.
        with contextlib.suppress(FileExistsError):
            os.close(owners_opener(str(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL))


def owners_opener(path: str, flags: int) -> int:
    """For `open(…, opener=owners_opener)`: a file that is made is its owner's alone; one that is there stays
    as it is.
    """
    return os.open(path, flags, OWNERS_FILE)


@contextlib.contextmanager
def replacing(target: Path) -> Generator[Path]:
    """The name to write under, beside the target, which is put in the target's place at the end of the block.

    What an error, or Ctrl-C, leaves half written is removed. Raises `OSError` where it cannot be renamed.
    """
    suffix = target.suffix if len(target.suffix) <= _LONGEST_SUFFIX else ""
    part = f"{os.getpid()}-{secrets.token_hex(4)}.part"
    made = target.with_name(f".{target.stem[:_LONGEST_STEM]}.{part}{suffix}")
    try:
        yield made
        made.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            made.unlink()


def write_whole(target: Path, data: bytes) -> None:
    """Write a file, or leave what is there as it was. Raises `OSError`.

    A link is followed, and the rights of the file that is replaced are kept. A pipe or a device, also one that
    is reached by /dev/stdout or /dev/fd, is written to as it is; so is a file in a folder that takes no other.
    """
    place = _regular_place(target)
    if place is None:
        target.write_bytes(data)
        return
    before = place.stat() if place.exists() else None
    if before is not None and not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    try:
        with replacing(place) as made:
            made.write_bytes(data)
            if before is not None:
                _like(made, before)
    except OSError as error:
        if before is None or error.errno not in _NOT_BESIDE:
            raise
        place.write_bytes(data)


def write_text_whole(target: Path, text: str) -> None:
    """`write_whole` for text, with the system's line ends. Raises `OSError`."""
    write_whole(target, text.replace("\n", os.linesep).encode("utf-8"))


def absolute(path: str) -> str:
    """The path from the root; addresses stay as they are."""
    return path if is_url(path) else str(Path(path).absolute())


def fills_disk(error: OSError) -> bool:
    """Whether there was no room to write, which no reading says: an error of the disk may be of either."""
    return error.errno in DISK_FAULTS and error.errno != errno.EIO


def not_written(
    what: str, error: OSError, *, way_out: str, otherwise: type[MrVideoError] = InputError
) -> MrVideoError:
    """The error for a file that cannot be written: `NotWritten` where the disk is full or fails, else
    `otherwise`, which ends in the way out. `what` says it: "cannot write page.html".
    """
    reason = error.strerror or str(error)
    if error.errno in DISK_FAULTS:
        return NotWritten(f"{what}: {reason}; {DISK_FAULTS[error.errno]}")
    return otherwise(f"{what}: {reason}; {way_out}")


def _regular_place(target: Path) -> Path | None:
    """Where a path's links lead, if that is a regular file or nothing yet; None for a pipe, a device, and an
    open file of a process, of which the name is not all there is.
    """
    if kind_of(target) is not None:
        return None
    place = target
    for _ in range(40):  # as many links as Linux follows
        place = Path(os.path.realpath(place.parent)) / place.name
        if not place.is_symlink():
            return place
        if place.parts[1:2] in (("dev",), ("proc",)):
            return None
        place = place.parent / place.readlink()
    return None


def _like(made: Path, before: os.stat_result) -> None:
    """The owner, where the system lets us, and the rights of the file that was there."""
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):
            os.chown(made, before.st_uid, before.st_gid)
    made.chmod(stat.S_IMODE(before.st_mode))


def open_to_others(path: Path) -> bool:
    """Whether others than its owner may read or write what is there. Windows keeps that elsewhere: False
    there.
    """
    try:
        return os.name == "posix" and bool(path.stat().st_mode & 0o077)
    except OSError:
        return False


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _too_big(path: Path, size_bytes: int, most_bytes: int, what: str) -> str:
    return f"{path}: {_size(size_bytes)} is too big for a {what}, at most {_size(most_bytes)}; is it the right file?"


def _size(size_bytes: int) -> str:
    return f"{size_bytes >> 20} MB" if size_bytes >= 1 << 20 else f"{-(-size_bytes // 1024)} KB"
