from service.installation import Installation
from tests.support.commands import Run
from tests.unit.service.cli.conftest import Lines


def test_a_key_is_shown_once_and_alone_on_standard_output(run: Run, lines: Lines) -> None:
    code, out, err = run("tenants", "add", "acme", "--max-images", "2")
    key = out.strip()
    assert (code, len(out.splitlines())) == (0, 1)
    assert "acme" in err
    (listed,) = lines("tenants", "list")
    assert (listed["name"], listed["max_images"]) == ("acme", 2)
    assert key not in str(listed)
    assert key.startswith(listed["prefix"])


def test_a_new_key_ends_the_old_one(run: Run, installation: Installation) -> None:
    first = run("tenants", "add", "acme")[1].strip()
    second = run("tenants", "rotate", "acme")[1].strip()
    assert installation.tenants.client(second).name == "acme"
    assert first != second


def test_who_is_removed_stays_on_the_list(lines: Lines) -> None:
    lines("tenants", "add", "acme")
    assert lines("tenants", "remove", "acme") == [{"removed": "acme"}]
    (listed,) = lines("tenants", "list")
    assert listed["removed_at"]


def test_limits_that_make_no_sense_are_usage(run: Run, installation: Installation) -> None:
    for words in (("--safety-threshold", "2"), ("--max-images", "0")):
        assert run("tenants", "add", "acme", *words)[0] in (2, 5)
    assert list(installation.tenants.everybody()) == []
