"""A SQLite file that several processes and threads use at once, and one sentence for all that can go wrong with it.

Readers see the last commit and never wait (write-ahead log). A writer asks for its turn before it reads, so that none
finds at the end that another was faster; it waits for those before it up to WAIT_S.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from myna.errors import MynaError, printable
from myna.files import make_folder
from myna.library.schema import is_current, prepare

__all__ = ["WAIT_S", "Database"]

WAIT_S = 30.0
"""How long a writer waits for others, seconds."""
_REASONS = {
    "SQLITE_FULL": "the disk is full: make room, nothing that was saved is lost",
    "SQLITE_READONLY": "it may only be read: check the permissions of the file and its folder",
    "SQLITE_CANTOPEN": "it cannot be opened: check the path and its permissions",
    "SQLITE_BUSY": f"another program keeps it to itself for more than {WAIT_S:g} s: try again later",
    "SQLITE_LOCKED": "another program keeps it to itself: try again later",
    "SQLITE_NOTADB": "the file is something else: choose another",
    "SQLITE_CORRUPT": "the file is damaged: restore it from a backup",
    "SQLITE_IOERR": "the disk cannot be read or written: check it",
}


class Database:
    """One library file; may be shared between threads.

    Args:
        path: the file, made if it is not there.

    Raises:
        MynaError: it cannot be made or read, or is none of ours.
        IncompatibleVersionError: a newer myna wrote it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """See the class."""
        self.path = Path(path).absolute()
        self._shown = printable(str(self.path))
        make_folder(self.path.parent)
        self._readers = create_engine("sqlite://", creator=self._connect, poolclass=QueuePool)
        self._writers = self._readers.execution_options(begin="BEGIN IMMEDIATE")
        event.listen(self._readers, "begin", _begin)
        with self._transaction(self._readers) as connection:
            ready = is_current(connection, self._shown)
        if not ready:
            with self.writing() as connection:
                prepare(connection, self._shown)

    def reading(self) -> contextlib.AbstractContextManager[Connection]:
        """A transaction that sees one state of the library throughout."""
        return self._transaction(self._readers)

    def writing(self) -> contextlib.AbstractContextManager[Connection]:
        """A transaction whose changes are all kept at its end, or none if it raises. Keep it short: others wait."""
        return self._transaction(self._writers)

    def close(self) -> None:
        """Give the file back."""
        self._readers.dispose()

    @contextlib.contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise self._told(error.orig) from error
        except sqlite3.Error as error:
            raise self._told(error) from error

    def _connect(self) -> sqlite3.Connection:
        try:
            # No isolation level: Python begins no transaction of its own. The pool keeps threads apart.
            connection = sqlite3.connect(self.path, WAIT_S, isolation_level=None, check_same_thread=False)
        except ValueError as error:  # a NUL in the path
            raise MynaError(f"cannot use the library {self._shown}: {error}.") from error
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")  # a commit outlasts the power, too
        connection.execute("PRAGMA journal_mode = WAL")
        return connection

    def _told(self, error: BaseException | None) -> MynaError:
        name = getattr(error, "sqlite_errorname", "")
        reason = next((reason for start, reason in _REASONS.items() if name.startswith(start)), str(error))
        return MynaError(f"cannot use the library {self._shown}: {reason}.")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
