"""The use case: every file of a source becomes a row of a table, however often the run is stopped."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from service.archives import parquet
from service.archives.engine import Engine
from service.archives.file_examiner import ExaminationOptions
from service.archives.object_store import is_url
from service.archives.packing_limits import MEMBERS
from service.archives.run_folder import Plan, Run, RunFolder, rows_of
from service.archives.sources import open_source
from service.archives.summary import Summary, summarise
from service.kit.errors import BadRequest

_CHOICES = "Add --resume to go on with it, or --force to start again."


@dataclass(frozen=True, slots=True)
class ArchiveExamination:
    """What is examined, and where the table goes. `resume`: go on with a run that was stopped; `force`: start again,
    whatever is there. `limit`: files at most. `max_members`: of an archive's file."""

    source: str
    out: Path
    resume: bool = False
    force: bool = False
    limit: int | None = None
    classify: bool = True
    max_members: int = MEMBERS


class Observer(Protocol):
    """Told how far a run is."""

    def listing(self) -> None:
        """The files are being listed."""

    def begun(self, files: int, done: int) -> None:
        """There are so many files, of which so many were examined by an earlier run."""

    def seen(self, files: int) -> None:
        """So many more have been examined."""


def examine_archive(wanted: ArchiveExamination, engine: Engine, observer: Observer) -> Summary:
    """Examine a source into a Parquet table of `Row`s.

    Raises:
        BadRequest: the table or an unfinished run is there already, or is another one; or another process works on it.
        InputError: the source cannot be listed.
        Error: the installation or the source cannot be used; what was done so far stays.
    """
    parquet.check_installed()
    source = wanted.source if is_url(wanted.source) else str(Path(wanted.source).absolute())
    folder, plan = RunFolder.beside(wanted.out), Plan(source, wanted.classify, wanted.limit)
    _check_target(wanted, folder)
    with folder.locked():
        if wanted.resume and not folder.begun and wanted.out.exists():  # it was stopped after the table was written
            _check_same(Run.of_facts(parquet.facts_of(wanted.out)).plan, plan)
        else:
            run = (folder.run() if wanted.resume and folder.begun else None) or _listed(
                wanted, folder, plan, engine.workers, observer
            )
            _check_same(run.plan, plan)
            _examine(run, folder, engine, observer)
            folder.merge(run, wanted.out)
        folder.remove()
    return summarise(wanted.out)


def _listed(wanted: ArchiveExamination, folder: RunFolder, plan: Plan, workers: int, observer: Observer) -> Run:
    observer.listing()
    folder.begin()
    source = open_source(plan.source, wanted.max_members, leave_out=(wanted.out, folder.folder))
    return folder.write_listing(source.entries(), plan, workers)


def _examine(run: Run, folder: RunFolder, engine: Engine, observer: Observer) -> None:
    finished = folder.finished(run)
    observer.begun(run.files, sum(rows_of(run, number) for number in finished))
    pending = folder.pending(run, finished)
    options = ExaminationOptions(run.plan.source, run.plan.classify)
    with contextlib.closing(engine.run(pending, options, observer.seen)) as finished_shards:
        for each in finished_shards:
            folder.add(run, each.shard, each.rows)


def _check_target(wanted: ArchiveExamination, folder: RunFolder) -> None:
    """Raise BadRequest, before any work is done, if it could not end well."""
    out = wanted.out
    if out.is_dir():
        raise BadRequest(f"{out} is a folder", hint="Name a file.")
    if not out.parent.is_dir():
        raise BadRequest(f"the folder {out.parent} does not exist", hint="Make it, or choose another --out.")
    if wanted.resume or wanted.force:
        return
    if folder.exists:
        raise BadRequest(f"an unfinished run is in {folder.folder}", hint=_CHOICES)
    if out.exists():
        raise BadRequest(f"{out} already exists", hint="Choose another name, or add --force.")


def _check_same(begun: Plan, wanted: Plan) -> None:
    """Raise BadRequest if a run that was begun is another than is wanted: one table has rows of one kind."""
    if begun == wanted:
        return
    names = {"source": "SOURCE", "classify": "--classify", "limit": "--limit", "version": "the version of Countermark"}
    other = ", ".join(text for name, text in names.items() if getattr(begun, name) != getattr(wanted, name))
    raise BadRequest(
        f"the run that was begun differs in {other}",
        hint="Use the same again to go on with it, or add --force to start anew.",
    )
