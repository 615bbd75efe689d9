from service.installation import Installation
from tests.support.commands import Run
from tests.unit.service.cli.conftest import Lines


def test_a_key_from_its_first_to_its_last_day(run: Run, lines: Lines, installation: Installation) -> None:
    run("tenants", "add", "acme", "--scope", "generate")
    words = ("--label", "a phone", "--scope", "examine", "--days", "90", "--examinations-per-day", "5")
    code, out, err = run("tenants", "keys", "add", "acme", *words)
    key = out.strip()
    assert (code, len(out.splitlines()), key[:11] in err) == (0, 1, True)
    listed = lines("tenants", "keys", "list", "acme")
    made, first = sorted(listed, key=lambda each: each["id"] != key[:11])
    assert (first["scopes"], first["expires_at"], first["label"]) == (["generate"], None, "")
    assert (made["id"], made["scopes"], made["label"], made["state"]) == (key[:11], ["examine"], "a phone", "active")
    assert (made["limits"]["examinations_per_day"], key in str(made)) == (5, False)

    (new,) = lines("tenants", "keys", "rotate", key[:11])
    assert (new["name"], new["key"][:11]) == ("acme", new["id"])
    assert installation.tenants.client(key).name == installation.tenants.client(new["key"]).name == "acme"
    table = run("tenants", "keys", "list")[1]
    assert key[11:] not in table
    assert "replaced" in table
    assert lines("tenants", "keys", "revoke", new["id"]) == [{"revoked": new["id"]}]
    assert sorted(each["state"] for each in lines("tenants", "keys", "list")) == ["active", "active", "revoked"]


def test_what_makes_no_sense_is_usage(run: Run) -> None:
    run("tenants", "add", "acme")
    for words in (("--scope", "everything"), ("--days", "0"), ("--images-per-day", "-1"), ("--label", "a\nb")):
        assert run("tenants", "keys", "add", "acme", *words)[0] == 2
    assert run("tenants", "keys", "add", "nobody")[0] == 1
    for words in (("rotate", "cm_nothing00"), ("revoke", "cm_nothing00"), ("list", "nobody")):
        assert run("tenants", "keys", *words)[0] == 1
    for hours in ("-1", "721", "99999999999"):
        assert run("tenants", "keys", "rotate", "cm_nothing00", "--overlap-hours", hours)[0] == 2
