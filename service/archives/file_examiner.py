"""From a file of an archive to its row: the function that every engine runs."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog

from service.archives.entry import Entry, Fault
from service.archives.row import Row, readable
from service.archives.source import Source
from service.archives.sources import open_source
from service.examiner.examiner import Examiner
from service.installation import Installation, open_installation
from service.kit.errors import Error, InputError, TooLarge
from service.kit.settings import Settings
from service.media.pictures import ImageLimits

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ExaminationOptions:
    """What each worker is told. `classify`: ask the classifiers, too, which cost most of the time."""

    source: str
    classify: bool = True


class FileExaminer:
    """Examines one file after the other. Used by one thread."""

    def __init__(
        self,
        source: Source,
        examiner: Examiner,
        limits: ImageLimits,
        *,
        classify: bool,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._source = source
        self._examiner = examiner
        self._limits = limits
        self._classify = classify
        self._clock = clock

    def row(self, number: int, entry: Entry) -> Row:
        """The row of a file, whatever is wrong with it.

        Raises:
            Error: the source, the ledger or a model does not answer. No file is at fault, and the run should stop.
        """
        began = self._clock()
        if entry.fault:
            return Row.of_fault(number, entry, entry.fault)
        data = None
        try:
            data = self._read(entry)
            report = self._examiner.examine(data, readable(entry.path), classify=self._classify)
            return Row.of_report(number, entry, report, self._clock() - began)
        except InputError as wrong:
            fault = Fault.of(wrong)
        except Error:
            raise
        except Exception as bug:  # noqa: BLE001 - one file must not stop a run of many days
            _log.exception("file_not_examined", number=number)
            fault = Fault(
                Error.code, f"an internal error occurred ({type(bug).__name__}); this is a bug in Countermark"
            )
        digest = None if data is None else hashlib.sha256(data).hexdigest()
        return Row.of_fault(number, entry, fault, digest, self._clock() - began)

    def _read(self, entry: Entry) -> bytes:
        limit = self._limits.max_bytes
        if entry.size is not None and entry.size > limit:
            raise _too_large(limit)
        data = self._source.read(entry, limit, self._limits.parsers, self._limits.seconds)
        if len(data) > limit:  # it has grown since it was listed
            raise _too_large(limit)
        return data


class ExaminingProcess:
    """An installation of this process's own, opened once, with one thread for each model: a worker has one core."""

    def __init__(self, settings: Settings, options: ExaminationOptions) -> None:
        """Raises as `open_installation` and `open_source`."""
        self._installation = open_installation(of_one_core(settings))
        try:
            self.files = file_examiner(self._installation, options)
        except BaseException:
            self._installation.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._installation.close()


def of_one_core(settings: Settings) -> Settings:
    """The settings of a worker: models with one thread, and one process that parses."""
    return settings.model_copy(update={"threads": 1, "parser_processes": min(1, settings.parser_processes)})


def file_examiner(installation: Installation, options: ExaminationOptions) -> FileExaminer:
    """An examiner of the source's files over an open installation. Raises as `open_source`."""
    source = open_source(options.source)
    return FileExaminer(source, installation.examiner, installation.limits, classify=options.classify)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the file has more than {limit:,} bytes, the limit of this installation")
