"""Write an output to the place that a user named, whatever kind of file is there.

A regular file is replaced in one step and keeps its mode and its owner. A link is followed and stays a link. A file
with several names, or in a folder that cannot be written, is written in place. A pipe, a terminal or a character
device is written to, as are /dev/stdout and /dev/fd/N. A folder, a socket file and a block device are refused.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 10.0  # for a pipe without a reader
MOST_LINKS = 40  # as in path_resolution(7)
PIECE = select.PIPE_BUF  # poll(2) promises room for this much
_REFUSED = {stat.S_IFDIR: "it is a folder", stat.S_IFSOCK: "it is a socket", stat.S_IFBLK: "it is a block device"}
# A file whose folder allows no new file beside it, or that is a mount point, can still be written in place.
_IN_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY)


@dataclass(frozen=True)
class Place:
    """What a path leads to: `found` is None where nothing is there yet, `descriptor` is set for one of our own."""

    path: Path
    found: os.stat_result | None
    descriptor: int | None = None

    @property
    def kind(self) -> int:
        return stat.S_IFMT(self.found.st_mode) if self.found else 0

    @property
    def is_replaced(self) -> bool:
        """Whether it is a file, or will be one, and not a stream that somebody else opened."""
        return self.descriptor is None and self.kind in (0, stat.S_IFREG)


def lead(path: Path) -> Place:
    """Follow the links of a path's last name as open(2) does; OSError where they lead nowhere."""
    for _ in range(MOST_LINKS):
        descriptor = _descriptor(path)
        if descriptor is not None:
            if not os.get_inheritable(descriptor):  # one that we opened, for another purpose (PEP 446)
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            return Place(path, os.fstat(descriptor), descriptor)
        try:
            found = path.lstat()
        except FileNotFoundError:
            return Place(path, None)
        _refuse_planted(path, found)
        if not stat.S_ISLNK(found.st_mode):
            return Place(path, found)
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _descriptor(path: Path) -> int | None:
    """The N of /dev/fd/N and /proc/self/fd/N: opening it by name would truncate a file, and fail for a socket."""
    folders = ("/dev/fd", f"/proc/{os.getpid()}/fd")
    return int(path.name) if path.name.isdecimal() and os.path.realpath(path.parent) in folders else None


def _refuse_planted(path: Path, found: os.stat_result) -> None:
    """Refuse another user's file in a shared folder, as Linux' fs.protected_symlinks, _fifos and _regular do."""
    folder = path.parent.stat()
    is_shared = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
    if is_shared and found.st_uid not in (os.geteuid(), folder.st_uid):
        raise OSError(errno.EACCES, "it belongs to another user, in a folder that everybody can write to")


def require(path: Path) -> None:
    """OSError, with a strerror for people, where nothing could be written; an existing file stays as it is."""
    place = lead(path)
    if place.descriptor is None and place.kind in _REFUSED:
        raise OSError(errno.EINVAL, _REFUSED[place.kind])
    if place.descriptor is not None:
        if fcntl.fcntl(place.descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "it is open for reading only")
    elif not place.is_replaced:
        _require_access(place.path)
    else:
        _require_file(place)


def _require_access(path: Path) -> None:
    if not os.access(path, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def _require_file(place: Place) -> None:
    place.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        tempfile.TemporaryFile(dir=place.path.parent).close()
    except OSError as error:
        if place.found is None or error.errno not in _IN_PLACE:
            raise
        _require_access(place.path)


def identity(path: Path) -> object:
    """The same for two paths that lead to one file or stream; None for the null device, which takes everything."""
    place = lead(path)
    if place.found is None:
        return os.path.realpath(place.path)
    if place.kind == stat.S_IFCHR and place.found.st_rdev == Path(os.devnull).stat().st_rdev:
        return None
    return place.found.st_dev, place.found.st_ino


def write(path: Path, text: str) -> None:
    """Write all of the text, or raise an OSError; every wait has a timeout."""
    data = text.encode("utf-8", "surrogateescape")
    place = lead(path)
    if place.descriptor is None and place.kind in _REFUSED:
        raise OSError(errno.EINVAL, _REFUSED[place.kind])
    if place.is_replaced:
        _write_file(place, data)
    else:
        descriptor = _opened(place) if place.descriptor is None else os.dup(place.descriptor)
        try:
            _pour(descriptor, data)
        finally:
            os.close(descriptor)


def _write_file(place: Place, data: bytes) -> None:
    place.path.parent.mkdir(parents=True, exist_ok=True)
    if place.found and place.found.st_nlink > 1:
        _write_in_place(place.path, data)
        return
    try:
        _replace(place, data)
    except OSError as error:
        if place.found is None or error.errno not in _IN_PLACE:
            raise
        _write_in_place(place.path, data)


def _replace(place: Place, data: bytes) -> None:
    """Write a temporary file and rename it, so that the file is complete or unchanged."""
    beside = place.path.with_name(f".{os.urandom(8).hex()}.tmp")
    # A new file obeys the umask; O_EXCL follows no link that somebody planted.
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if place.found else 0o666)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if place.found:
                _take_after(descriptor, place.found)
            stream.write(data)
        beside.replace(place.path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def _take_after(descriptor: int, found: os.stat_result) -> None:
    made = os.fstat(descriptor)
    if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
        os.fchown(descriptor, found.st_uid, found.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(found.st_mode))


def _write_in_place(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_NOFOLLOW), "wb") as stream:
        stream.write(data)
        stream.truncate()


def _opened(place: Place) -> int:
    """Open for writing; a named pipe only once it has a reader (fifo(7))."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return os.open(place.path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            if error.errno != errno.ENXIO or place.kind != stat.S_IFIFO:
                raise
            if time.monotonic() > end:
                raise OSError(errno.ENXIO, f"no reader opened this pipe within {PATIENCE_S:g} s") from None
        time.sleep(0.02)


def _pour(descriptor: int, data: bytes) -> None:
    """Write pieces when there is room; OSError if the reader stops reading."""
    ready = select.poll()
    ready.register(descriptor, select.POLLOUT)
    left = memoryview(data)
    while left:
        if not ready.poll(PATIENCE_S * 1000):
            raise OSError(errno.ETIMEDOUT, f"the reader stopped reading for {PATIENCE_S:g} s")
        with suppress(BlockingIOError):
            left = left[os.write(descriptor, left[:PIECE]) :]
