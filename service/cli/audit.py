"""countermark audit."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from service.cli import files
from service.cli.text import label, printable
from service.installation import Installation, open_installation
from service.keys import signing
from service.kit import home
from service.kit.errors import FileUnreadable, LedgerCorrupt, MalformedProof, NotFound
from service.kit.settings import load_settings
from service.ledger.checkpoints import Checkpoint
from service.ledger.notes import MOST_BYTES, VerifierKey
from service.ledger.proofs import InclusionProof, check_consistency, decoded

app = typer.Typer(help="The ledger of decisions, as an audit log that others can check.", no_args_is_help=True)

_MOST_BYTES = 16 * MOST_BYTES

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Key = Annotated[
    str, typer.Option(help="The log's verifier key (NAME+ID+BASE64), or a file that holds it; `audit key` prints it.")
]
Witness = Annotated[
    list[str] | None, typer.Option(help="Verifier key of a witness that must have cosigned; may be repeated.")
]


@app.command("verify")
def verify(
    head: Annotated[str | None, typer.Option(help="A head noted earlier, which must still be in the chain.")] = None,
    against: Annotated[
        str | None, typer.Option(metavar="FILE", help="An earlier checkpoint, which this log must continue.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Verifier key of that checkpoint, if the log had another one then.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify the chain of decisions, its Merkle tree, and every issued image against it; exit 3 if anything was
    changed. With --against also prove that nothing was cut off or rewritten since that checkpoint."""
    installation = _existing()
    earlier = None
    if against is not None:
        earlier = Checkpoint.verified(_text(against), _key(key) if key else installation.log.verifier)
    audit = installation.ledger.verify(head, earlier.head if earlier else None)
    console = Console(highlight=False)
    if as_json:
        print(json.dumps(asdict(audit)))
    else:
        console.print(f"{audit.decisions} decisions, {audit.images} images", markup=False)
        console.print(f"head {audit.head}", markup=False, soft_wrap=True)
        console.print(f"root {audit.root}", markup=False, soft_wrap=True)
    for problem in () if as_json else audit.problems:
        console.print(f"Problem: {problem}", markup=False, soft_wrap=True)
    if audit.problems:
        raise LedgerCorrupt(f"{len(audit.problems)} problems in the ledger; the first: {audit.problems[0]}")
    if not as_json:
        console.print("The chain is intact.", markup=False)
        if earlier:
            console.print(f"It continues the checkpoint of {earlier.size} decisions.", markup=False)


@app.command("key")
def key(
    pem: Annotated[bool, typer.Option("--pem", help="Print the public key alone, as `openssl` reads it.")] = False,
) -> None:
    """Print the public key that checks this log's checkpoints. Publish it where others find it."""
    verifier = _existing().log.verifier
    print(verifier.pem().strip() if pem else verifier)


@app.command("checkpoint")
def checkpoint(
    out: Annotated[str, typer.Option("--out", "-o", help="File to write; - for standard output.")] = files.STDIO,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Print a signed checkpoint of all decisions so far. Keep it elsewhere, for `verify --against`."""
    files.check_target(out, force)
    files.write(out, str(_existing().log.checkpoint().note).encode())


@app.command("prove")
def prove(
    name: Annotated[str, typer.Argument(metavar="ID", help="A content id, or a decision's hash or number.")],
    without_decision: Annotated[
        bool, typer.Option("--without-decision", help="Leave the decision out: the proof then tells nothing about it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print the proof that a decision is in the log, with a checkpoint, for `check-proof`."""
    log = _existing().log
    decision = log.find(name)
    proved = log.prove(decision, disclose=not without_decision)
    if not as_json:
        files.write(files.STDIO, str(proved.proof).encode())
        return
    found = {"decision": decision.hash, "kind": decision.kind, "subject": decision.subject, "index": proved.proof.index}
    print(json.dumps({**found, "leaf_hash": proved.leaf.hex(), "proof": str(proved.proof)}))


@app.command("check-proof")
def check_proof(
    file: Annotated[str, typer.Argument(help="A proof: text, or JSON as the API and `prove --json` give it; or -.")],
    key: Key,
    leaf: Annotated[
        str | None, typer.Option(help="Hash of the leaf in hexadecimal, for a proof without its decision.")
    ] = None,
    witness: Witness = None,
    as_json: Json = False,
) -> None:
    """Check a proof with nothing but the log's public key: no database and no network. Exit 3 if it does not hold,
    4 if the checkpoint is not signed with the key."""
    text, known_leaf = _proof(_text(file), leaf)
    proof = InclusionProof.parse(text)
    proof.verify(_key(key), known_leaf)
    for each in witness or ():
        proof.checkpoint.note.verify(_key(each))
    decision = proof.decision()
    if as_json:
        print(json.dumps({"index": proof.index, "decisions": proof.checkpoint.size, "decision": decision}))
        return
    console = Console(highlight=False)
    size = proof.checkpoint.size
    console.print(f"Decision {proof.index + 1} of {size} in the log {proof.checkpoint.origin}.", markup=False)
    if decision:
        about = f"{decision['kind']} {decision['subject']} at {decision['at']}"
        console.print(printable(label(about)), markup=False, soft_wrap=True)
    elif known_leaf:
        console.print(f"leaf {known_leaf.hex()}", markup=False, soft_wrap=True)


@app.command("check-consistency")
def check_consistency_(
    old: Annotated[str, typer.Argument(help="The older checkpoint.")],
    new: Annotated[str, typer.Argument(help="The newer checkpoint.")],
    proof: Annotated[
        str, typer.Option(metavar="FILE", help="Answer of GET /v1/audit/consistency?from=OLD&to=NEW, in decisions.")
    ],
    key: Key,
) -> None:
    """Check that a log only grew from one checkpoint to another: no database and no network. Exit 3 if not."""
    older, newer = (Checkpoint.verified(_text(each), _key(key)) for each in (old, new))
    hashes = _object(_text(proof)).get("hashes")
    if not isinstance(hashes, list) or not all(isinstance(each, str) for each in hashes):
        raise MalformedProof("the proof has no list of hashes")
    check_consistency(older, newer, decoded(hashes))
    Console(highlight=False).print(
        f"The log of {newer.size} decisions begins with the {older.size} of the older checkpoint.", markup=False
    )


def _existing() -> Installation:
    """The installation of the settings. Raises NotFound rather than making one."""
    settings = load_settings()
    ledger = settings.home / home.LEDGER_FILE
    if settings.database_url is None and not ledger.exists() and not signing.exist(settings.home):
        raise NotFound(f"no ledger in {settings.home}", hint="Check COUNTERMARK_HOME.")
    return open_installation(settings)


def _text(file: str) -> str:
    """A small text file. Raises FileUnreadable, MalformedProof."""
    data = files.read(file, _MOST_BYTES)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if not text or len(data) > _MOST_BYTES:
        raise MalformedProof(f"{printable(label(file))} is empty, too long, or not UTF-8 text")
    return text


def _key(text: str) -> VerifierKey:
    """The key itself, or the one in a file."""
    try:
        return VerifierKey.parse(_text(text) if Path(text).is_file() else text)
    except OSError as wrong:
        raise FileUnreadable(f"the key file cannot be read: {wrong.strerror}") from wrong


def _proof(text: str, leaf: str | None) -> tuple[str, bytes | None]:
    """The text of a proof and the hash of its leaf, from either form."""
    if text.lstrip().startswith("{"):
        found = _object(text)
        text, leaf = str(found.get("proof", "")), leaf or found.get("leaf_hash")
    try:
        return text, None if leaf is None else bytes.fromhex(str(leaf))
    except ValueError:
        raise MalformedProof("the hash of the leaf is not hexadecimal") from None


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise MalformedProof("this is not a JSON object")
    return found
