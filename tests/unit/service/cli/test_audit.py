import json
from pathlib import Path

import pytest

from service.installation import Installation
from service.ledger.checkpoints import Checkpoint
from service.ledger.proofs import encoded
from tests.support.commands import Run
from tests.unit.service.cli.conftest import Lines


def test_it_counts_and_names_the_head(lines: Lines, installation: Installation) -> None:
    installation.ledger.refuse("urn:uuid:1", {"code": "unsafe"})
    (told,) = lines("audit", "verify")
    assert (told["decisions"], told["images"], told["problems"]) == (1, 0, [])
    assert told["head"] == installation.ledger.verify().head


def test_a_head_that_was_noted_must_still_be_there(run: Run, installation: Installation) -> None:
    installation.ledger.refuse("urn:uuid:1", {"code": "unsafe"})
    head = installation.ledger.verify().head
    installation.ledger.refuse("urn:uuid:2", {"code": "unsafe"})
    assert run("audit", "verify", "--head", head)[0] == 0
    code, out, err = run("audit", "verify", "--head", "f" * 64)
    assert code == 3
    assert "ledger_corrupt" in err
    assert "2 decisions, 0 images" in out


def test_without_a_ledger_none_is_made(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COUNTERMARK_HOME", str(tmp_path / "elsewhere"))
    assert run("audit", "verify")[0] == 1
    assert not (tmp_path / "elsewhere").exists()


def noted(run: Run, file: Path) -> Path:
    """A checkpoint of now, in a file."""
    assert run("audit", "checkpoint", "-o", file)[0] == 0
    return file


def without_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From here on commands have no installation."""
    monkeypatch.setenv("COUNTERMARK_HOME", str(tmp_path / "nowhere"))


def test_a_log_that_grew_continues_its_checkpoint(run: Run, installation: Installation, tmp_path: Path) -> None:
    installation.ledger.refuse("urn:uuid:1", {"code": "unsafe"})
    file = noted(run, tmp_path / "then")
    installation.ledger.refuse("urn:uuid:2", {"code": "unsafe"})
    code, out, _ = run("audit", "verify", "--against", file)
    assert code == 0
    assert "It continues the checkpoint of 1 decisions." in out


def test_a_log_that_was_rolled_back_does_not(run: Run, installation: Installation, tmp_path: Path) -> None:
    for number in range(3):
        installation.ledger.refuse(f"urn:uuid:{number}", {"code": "unsafe"})
    file = noted(run, tmp_path / "then")
    with installation.ledger._database.write() as session:
        session._connection.exec_driver_sql("DELETE FROM decisions WHERE seq=3")
        session._connection.exec_driver_sql("DELETE FROM merkle_nodes WHERE number>=3")
    assert "ledger_mismatch" in run("audit", "verify")[2], "the note beside the keys shows it"
    note = installation.settings.home / "keys" / "ledger.json"  # whoever cuts the ledger may change the note, too
    note.write_text(json.dumps({**json.loads(note.read_text()), "decisions": 0, "head": ""}))
    assert run("audit", "verify")[0] == 0
    code, _, err = run("audit", "verify", "--against", file)
    assert code == 3
    assert "the checkpoint has 3 decisions, the ledger 2: decisions were cut off" in err


def test_a_checkpoint_of_another_log_is_untrusted(run: Run, installation: Installation, tmp_path: Path) -> None:
    file = noted(run, tmp_path / "then")
    (installation.settings.home / "keys" / "log.key").write_bytes(bytes(32))
    code, _, err = run("audit", "verify", "--against", file)
    assert (code, "untrusted_log" in err) == (4, True)
    assert run("audit", "verify", "--against", file, "--key", installation.log.verifier)[0] == 0


def test_a_proof_is_checked_with_the_key_alone(
    run: Run, installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number in range(3):
        installation.ledger.refuse(f"urn:uuid:{number}", {"code": "unsafe"})
    key = run("audit", "key")[1].strip()
    assert key == str(installation.log.verifier)
    text, hidden = tmp_path / "proof", tmp_path / "hidden.json"
    text.write_text(run("audit", "prove", "urn:uuid:1")[1])
    hidden.write_text(run("audit", "prove", "2", "--json", "--without-decision")[1])
    without_ledger(monkeypatch, tmp_path)
    code, out, err = run("audit", "check-proof", text, "--key", key)
    assert (code, err) == (0, "")
    assert "Decision 2 of 3 in the log countermark/" in out
    assert "refused urn:uuid:1 at 20" in out
    code, out, _ = run("audit", "check-proof", hidden, "--key", key)
    assert (code, "urn:uuid:1" in out) == (0, False)
    assert json.loads(hidden.read_text())["leaf_hash"] in out
    told = json.loads(run("audit", "check-proof", text, "--key", key, "--json")[1])
    assert (told["index"], told["decisions"], told["decision"]["body"]) == (1, 3, {"code": "unsafe"})
    assert not (tmp_path / "nowhere").exists()


def test_a_proof_that_does_not_hold_says_why(run: Run, installation: Installation, tmp_path: Path) -> None:
    for number in range(3):
        installation.ledger.refuse(f"urn:uuid:{number}", {"code": "unsafe"})
    key, file = str(installation.log.verifier), tmp_path / "proof"
    (tmp_path / "key").write_text(key)
    proof = run("audit", "prove", "1")[1]
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    for text, with_key, code, error in (
        (proof, tmp_path / "key", 0, ""),
        (proof.replace("index 0", "index 1"), key, 3, "proof_invalid"),
        (proof.replace("\n3\n", "\n4\n"), key, 3, "proof_invalid"),
        (proof, other, 4, "untrusted_log"),
        (proof[:100], key, 5, "malformed_proof"),
        ("{}", key, 5, "malformed_proof"),
        ("{", key, 5, "malformed_proof"),
        ("", key, 5, "malformed_proof"),
        (proof, "key", 5, "malformed_proof"),
    ):
        file.write_text(text)
        found = run("audit", "check-proof", file, "--key", with_key)
        assert (found[0], error in found[2]) == (code, True)
    assert run("audit", "check-proof", tmp_path / "none", "--key", key)[0] == 5
    file.write_text(proof)
    assert run("audit", "check-proof", file, "--key", key, "--witness", other)[0] == 4
    assert run("audit", "check-proof", file, "--key", key, "--leaf", "xy")[0] == 5
    assert run("audit", "prove", "urn:uuid:9")[0] == 1


def test_two_checkpoints_are_compared_without_the_log(
    run: Run, installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installation.ledger.refuse("urn:uuid:1", {"code": "unsafe"})
    old = noted(run, tmp_path / "old")
    installation.ledger.refuse("urn:uuid:2", {"code": "unsafe"})
    new, proof, key = noted(run, tmp_path / "new"), tmp_path / "proof", str(installation.log.verifier)
    proof.write_text(json.dumps({"hashes": encoded(installation.log.consistency(1, 2))}))
    assert Checkpoint.parse(new.read_text()).size == 2
    without_ledger(monkeypatch, tmp_path)
    command = ("audit", "check-consistency", old, new, "--key", key, "--proof", proof)
    code, out, _ = run(*command)
    assert (code, "The log of 2 decisions begins with the 1" in out) == (0, True)
    for text, expected in (('{"hashes": []}', 3), ('{"hashes": 1}', 5), ("[]", 5)):
        proof.write_text(text)
        assert run(*command)[0] == expected


def test_the_key_is_given_to_openssl(run: Run, installation: Installation) -> None:
    assert run("audit", "key", "--pem")[1].startswith("-----BEGIN PUBLIC KEY-----")
