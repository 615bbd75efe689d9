"""The ledger of a home folder: the very one that the keys beside it belong to, and no other.

Beside the keys a note says which database the ledger is, and one of its decisions. A ledger that is new, empty, older
than the note, or another database is refused: with these keys it would look like an installation that never issued
anything, and its audit would find no problem. The operator restores the right one, or adopts this one, which is
recorded as a decision.
"""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from service.keys import signing
from service.kit import home
from service.kit.errors import LedgerMismatch, Misconfigured
from service.kit.settings import Settings
from service.ledger.ledger import Ledger
from service.storage import Decision, LedgerIdentity, sqlite_file

_NEW_LEDGER = "To start over with an empty ledger, add --new-ledger. To get the old one back: `countermark restore`."
NOTE = Path(home.KEYS_FOLDER) / "ledger.json"


@dataclass(frozen=True, slots=True)
class LedgerNote:
    """Which database belongs to a home, and the newest decision that it had: its `seq` (0: none) and hash."""

    database_id: str
    decisions: int
    head: str

    def write(self, path: Path) -> None:
        """Raises OSError."""
        home.replace(path, json.dumps(asdict(self)).encode())


def open_home_ledger(settings: Settings) -> Ledger:
    """Open the ledger of a home folder, which exists. At first start it is made.

    Raises:
        LedgerMismatch: it is not the ledger that belongs to the home's keys, or the note beside them is damaged. No
            ledger is made in its place.
        Misconfigured, Unavailable: as `Ledger.open`.
    """
    keys = signing.exist(settings.home)  # before the note, which is always written first
    note = read_note(settings.home)
    if (keys or note) and (missing := _missing_file(settings)):
        raise LedgerMismatch(f"there is no ledger at {missing}, but its keys are in {settings.home / home.KEYS_FOLDER}")
    ledger = Ledger.open(location(settings))
    try:
        identity = ledger.identity()
        if wrong := _mismatch(note, identity, keys, ledger):
            raise LedgerMismatch(wrong)
        write_note(settings.home, ledger, identity)
    except BaseException:
        ledger.close()
        raise
    return ledger


def adopt(settings: Settings, *, operator: str | None = None, new: bool = False) -> Decision:
    """Make the ledger that is there the one of this home folder, and record that as a decision.

    `new`: it may be empty, and is made if there is none.

    Raises:
        LedgerMismatch: the ledger is empty or missing, and `new` is not given.
        Misconfigured, Unavailable: as `Ledger.open`.
    """
    home.prepare(settings.home)
    if not new and (missing := _missing_file(settings)):
        raise LedgerMismatch(f"there is no ledger at {missing}", hint=_NEW_LEDGER)
    with contextlib.closing(Ledger.open(location(settings))) as ledger:
        if not new and ledger.head == (0, ""):
            raise LedgerMismatch("the ledger is empty", hint=_NEW_LEDGER)
        before, identity = _note_if_readable(settings.home), ledger.identity()
        content: dict[str, object] = {"action": "adopted", "decisions": ledger.head[0]}
        content |= {"operator": operator} if operator else {}
        content |= {"instead_of": asdict(before)} if before else {}
        decision = ledger.record("ledger", identity.database_id, content)
        LedgerNote(identity.database_id, decision.seq, decision.hash).write(settings.home / NOTE)
        return decision


def location(settings: Settings) -> str | Path:
    """Where the ledger of an installation is: a database URL, or a file in its home."""
    return settings.database_url or settings.home / home.LEDGER_FILE


def read_note(folder: Path) -> LedgerNote | None:
    """The note beside the keys; None where there is none. Raises LedgerMismatch where it is damaged."""
    path = folder / NOTE
    if not path.exists():
        return None
    try:
        return LedgerNote(**json.loads(home.read_private(path)))
    except (ValueError, TypeError) as damaged:
        raise LedgerMismatch(f"{path} is damaged") from damaged


def write_note(folder: Path, ledger: Ledger, identity: LedgerIdentity | None = None) -> None:
    """Note which database `ledger` is, and its newest decision that this process has seen, unless a newer is noted."""
    database_id, (decisions, head) = (identity or ledger.identity()).database_id, ledger.head
    before = _note_if_readable(folder)
    if before is None or before.database_id != database_id or before.decisions < decisions:
        LedgerNote(database_id, decisions, head).write(folder / NOTE)


def _mismatch(note: LedgerNote | None, identity: LedgerIdentity, keys: bool, ledger: Ledger) -> str | None:
    """Why the ledger does not belong to this home; None where it does."""
    if note is None:
        # A home of a version without notes has a ledger of that version.
        return (
            "the ledger is a new one, but the home folder has keys already" if keys and not identity.upgraded else None
        )
    if identity.database_id != note.database_id:
        return "the ledger is another database than the one that belongs to the keys in the home folder"
    if not ledger.holds((note.decisions, note.head)):
        return f"the ledger has lost decisions: decision {note.decisions}, which it had, is not in it"
    return None


def _missing_file(settings: Settings) -> Path | None:
    """The path of the SQLite file, if it is missing or empty; None for a database on a server."""
    file = sqlite_file(location(settings))
    return file if file and (not file.exists() or file.stat().st_size == 0) else None


def _note_if_readable(folder: Path) -> LedgerNote | None:
    try:
        return read_note(folder)
    except (LedgerMismatch, Misconfigured):
        return None
