"""Where the watermark's secrets come from, and how one is replaced."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.keys import mark_keys, signing
from service.kit import home
from service.kit.errors import BadRequest, Misconfigured
from service.kit.settings import Settings
from tests.support.painter import landscape
from tests.support.waiting import LONGEST
from watermark.tile.keyring import MAX_EPOCHS

NEW, OLD = "the secret of this year", "the secret of last year"


def listed(settings: Settings, path: Path, *lines: str) -> Settings:
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    return settings.model_copy(update={"watermark_secret": None, "watermark_secrets_file": path})


@pytest.fixture
def at_home(settings: Settings) -> Settings:
    return settings.model_copy(update={"watermark_secret": None, "watermark_secrets_file": None})


def test_the_home_folder_keeps_one_secret_at_first(at_home: Settings) -> None:
    (secret,) = mark_keys.mark_secrets(at_home)
    assert len(secret) == 32
    assert mark_keys.mark_secrets(at_home) == [secret]


def test_rotation_puts_a_new_secret_first(at_home: Settings) -> None:
    (first,) = mark_keys.mark_secrets(at_home)
    assert mark_keys.rotate(at_home) == 2
    second, kept = mark_keys.mark_secrets(at_home)
    assert second != kept == first
    assert mark_keys.rotate(at_home) == 3
    assert mark_keys.mark_secrets(at_home)[1:] == [second, first]
    folder = at_home.home / "keys"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["digests.secret", "mark.lock", "mark.secret", "mark.secret.1", "mark.secret.2"]
    assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {"0o600"}


def test_marks_outlive_rotation(at_home: Settings) -> None:
    old = signing.codec(at_home).embed(landscape(1, 256, 256), 7)
    mark_keys.rotate(at_home)
    codec = signing.codec(at_home)
    reading, fresh = codec.extract(old), codec.extract(codec.embed(landscape(1, 256, 256), 8))
    assert reading is not None
    assert fresh is not None
    assert (reading.mark_id, reading.epoch, fresh.mark_id, fresh.epoch) == (7, 1, 8, 0)


def test_digests_of_prompts_outlive_rotation(at_home: Settings) -> None:
    before = signing.prompt_digester(at_home)("a lake")
    for number in range(MAX_EPOCHS + 1):
        mark_keys.rotate(at_home, drop_oldest=number >= MAX_EPOCHS - 1)
        assert signing.prompt_digester(at_home)("a lake") == before


def test_the_oldest_is_dropped_only_on_request(at_home: Settings) -> None:
    (first,) = mark_keys.mark_secrets(at_home)
    for _ in range(MAX_EPOCHS - 1):
        mark_keys.rotate(at_home)
    before = mark_keys.mark_secrets(at_home)
    assert before[-1] == first
    with pytest.raises(BadRequest, match="the most that are searched"):
        mark_keys.rotate(at_home)
    assert mark_keys.mark_secrets(at_home) == before
    assert mark_keys.rotate(at_home, drop_oldest=True) == MAX_EPOCHS
    assert mark_keys.mark_secrets(at_home)[1:] == before[:-1]


def test_an_interrupted_rotation_loses_nothing(at_home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    mark_keys.rotate(at_home)
    before = mark_keys.mark_secrets(at_home)
    write = home.replace
    for stop in range(3):
        count = iter(range(10))

        def cut(path: Path, data: bytes, count: Iterator[int] = count, stop: int = stop) -> None:
            if next(count) == stop:
                raise OSError("no space left")
            write(path, data)

        monkeypatch.setattr(home, "replace", cut)
        with pytest.raises(OSError, match="no space"):
            mark_keys.rotate(at_home)
        assert set(before) <= set(mark_keys.mark_secrets(at_home))
        assert mark_keys.mark_secrets(at_home)[0] == before[0]


def test_two_rotations_at_once_both_count(at_home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    mark_keys.mark_secrets(at_home)
    write = mark_keys._write
    announced: list[bytes] = []
    begun, both = threading.Event(), threading.Event()

    def slow(newest: Path, kept: list[bytes]) -> None:
        announced.append(kept[0])
        begun.set()
        assert both.wait(LONGEST)  # the other one has begun, too, and waits for this one
        write(newest, kept)

    def second() -> None:
        both.set()
        mark_keys.rotate(at_home)

    monkeypatch.setattr(mark_keys, "_write", slow)
    threads = [threading.Thread(target=mark_keys.rotate, args=[at_home]), threading.Thread(target=second)]
    threads[0].start()
    assert begun.wait(LONGEST)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert len(announced) == 2
    assert set(announced) <= set(mark_keys.mark_secrets(at_home))


def test_a_lost_newest_secret_is_not_silently_replaced(at_home: Settings) -> None:
    mark_keys.rotate(at_home)
    newest = at_home.home / "keys" / "mark.secret"
    newest.unlink()
    for use in (signing.codec, mark_keys.rotate):
        with pytest.raises(Misconfigured, match=r"mark\.secret is missing") as refusal:
            use(at_home)
        assert "rename mark.secret.1 to mark.secret" in refusal.value.hint
        assert not newest.exists()


def test_an_empty_secret_is_refused_before_anything_is_rotated(at_home: Settings) -> None:
    mark_keys.rotate(at_home)
    folder = at_home.home / "keys"
    for name in ("mark.secret", "mark.secret.1"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(b"")
        with pytest.raises(Misconfigured, match=f"{name} is shorter than 16 bytes"):
            mark_keys.rotate(at_home)
        assert (folder / name).read_bytes() == b""
        assert not (folder / "mark.secret.2").exists()
        (folder / name).write_bytes(whole)


def test_files_that_only_look_like_old_secrets_are_left_alone(at_home: Settings) -> None:
    (secret,) = mark_keys.mark_secrets(at_home)
    for ending in ("\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT ONE}", "old", ""):
        (at_home.home / "keys" / f"mark.secret.{ending}").write_bytes(b"x" * 32)
    assert mark_keys.mark_secrets(at_home) == [secret]


@pytest.mark.parametrize(
    "update", [{"watermark_secret": "a secret of the operator"}, {"watermark_secrets_file": "list"}]
)
def test_an_operators_own_secrets_are_not_rotated(settings: Settings, tmp_path: Path, update: dict[str, Any]) -> None:
    own = Settings(home=tmp_path / "h", **update)
    with pytest.raises(BadRequest, match="not kept in the home folder"):
        mark_keys.rotate(own)


def test_a_key_file_lists_the_newest_first(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "mark.keys"
    old = signing.codec(listed(settings, file, OLD)).embed(landscape(1, 256, 256), 7)
    both = listed(settings, file, "# since January", NEW, "", OLD)
    assert mark_keys.mark_secrets(both) == [NEW.encode(), OLD.encode()]
    reading = signing.codec(both).extract(old)
    assert reading is not None
    assert reading.epoch == 1
    assert signing.prompt_digester(both)("a") == signing.prompt_digester(listed(settings, file, OLD))("a")


def test_comments_in_a_key_file(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "k"
    hashed = "#hunter2-hunter2-hunter2"
    assert mark_keys.mark_secrets(listed(settings, file, "#", "#\tthis year", NEW, "# last year", f" {hashed} ")) == [
        NEW.encode(),
        hashed.encode(),
    ]
    assert mark_keys.mark_secrets(listed(settings, file, "\N{ZERO WIDTH NO-BREAK SPACE}" + NEW)) == [NEW.encode()]


def test_a_secret_of_the_home_folder_moves_to_a_file_or_a_setting(at_home: Settings, tmp_path: Path) -> None:
    (secret,) = mark_keys.mark_secrets(at_home)
    moved = listed(at_home, tmp_path / "k", NEW, f"hex:{secret.hex()}")
    assert mark_keys.mark_secrets(moved) == [NEW.encode(), secret]
    assert mark_keys.mark_secrets(Settings(home=at_home.home, watermark_secret=f"hex:{secret.hex()}")) == [secret]


@pytest.mark.parametrize("digits", ["zz" * 16, "a" * 31, "\N{SNOWMAN}" * 16, "ab" * 15])
def test_invalid_hexadecimal_is_refused_and_not_repeated(settings: Settings, tmp_path: Path, digits: str) -> None:
    both = [
        listed(settings, tmp_path / "k", f"hex:{digits}"),
        Settings(home=tmp_path, watermark_secret=f"hex:{digits}"),
    ]
    for wrong in both:
        with pytest.raises(Misconfigured) as refusal:
            mark_keys.mark_secrets(wrong)
        assert digits not in str(refusal.value)
        assert refusal.value.__cause__ is None


def test_digests_of_prompts_outlive_every_move_of_the_secrets(at_home: Settings, tmp_path: Path) -> None:
    """Also when the oldest secret drops out of the operator's file."""
    before = signing.prompt_digester(at_home)("a lake")
    secrets = [f"secret number {number} of the row" for number in range(5)]
    for some in (secrets[1:], secrets[:4]):
        assert signing.prompt_digester(listed(at_home, tmp_path / "k", *some))("a lake") == before
    other = at_home.model_copy(update={"home": tmp_path / "other"})
    first = signing.prompt_digester(listed(other, tmp_path / "k", *secrets[1:]))("a lake")
    assert signing.prompt_digester(listed(other, tmp_path / "k", *secrets[:4]))("a lake") == first != before


def test_the_digest_key_is_not_a_watermark_secret(settings: Settings) -> None:
    signing.prompt_digester(settings)
    kept = settings.home / "keys" / "digests.secret"
    assert kept.read_bytes() not in mark_keys.mark_secrets(settings)
    kept.write_bytes(b"")
    with pytest.raises(Misconfigured, match=r"digests\.secret is shorter"):
        signing.prompt_digester(settings)


def test_a_key_file_that_others_may_read_is_refused(settings: Settings, tmp_path: Path) -> None:
    open_file = listed(settings, tmp_path / "k", NEW)
    (tmp_path / "k").chmod(0o640)
    with pytest.raises(Misconfigured, match="chmod 600"):
        signing.codec(open_file)


def test_key_files_that_cannot_be_used(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "k"
    with pytest.raises(Misconfigured, match="holds no secret"):
        signing.codec(listed(settings, file, "# nothing"))
    with pytest.raises(Misconfigured, match=r"secret 2 in .* shorter than 16") as refusal:
        signing.codec(listed(settings, file, NEW, "hunter2"))
    assert "hunter2" not in str(refusal.value)
    with pytest.raises(Misconfigured, match="given twice"):
        signing.codec(listed(settings, file, NEW, NEW))
    with pytest.raises(Misconfigured, match="takes 1 to 4"):
        signing.codec(listed(settings, file, *(f"{NEW} {number}" for number in range(5))))
    with pytest.raises(Misconfigured, match="cannot be read"):
        signing.codec(
            settings.model_copy(update={"watermark_secret": None, "watermark_secrets_file": tmp_path / "none"})
        )
