import datetime as dt
from dataclasses import replace
from typing import Any, Literal

import pytest

from tests.support.statements import STATEMENT
from watermark.c2pa.manifest import (
    ADAPTERS_LABEL,
    COMPOSITE,
    CONSENT_LABEL,
    DISCLOSURE_LABEL,
    EDIT_LABEL,
    ENERGY_LABEL,
    SOURCES_LABEL,
    TRAINED_ALGORITHMIC_MEDIA,
    InputSource,
    Resized,
    Statement,
    build,
    mark_id_of,
    soft_binding,
    soft_binding_value,
)

ROLES: tuple[Literal["image", "mask", "reference"], ...] = ("image", "mask", "reference")


def test_the_manifest_follows_the_rules() -> None:
    manifest = build(STATEMENT, "image/png")
    actions = manifest["assertions"][0]["data"]
    assert actions["allActionsIncluded"] is True
    assert actions["actions"][0]["action"] == "c2pa.created"
    assert {"c2pa.actions.v2", "c2pa.soft-binding"} <= {a["label"] for a in manifest["assertions"]}


@pytest.mark.parametrize("mark_id", [0, 1, 2**48 - 1])
def test_soft_binding_values(mark_id: int) -> None:
    assert mark_id_of(soft_binding_value(mark_id)) == mark_id


@pytest.mark.parametrize("value", ["", "AAAA", "not base64!", "AAAAAAAAAAAAAAAA"])
def test_values_of_others(value: str) -> None:
    assert mark_id_of(value) is None


def data_of(statement: Statement, label: str) -> dict[str, Any]:
    """The content of the only assertion with this label."""
    (found,) = [one["data"] for one in build(statement, "image/png")["assertions"] if one["label"] == label]
    return dict(found)


def actions_of(statement: Statement) -> list[dict[str, Any]]:
    return list(data_of(statement, "c2pa.actions.v2")["actions"])


def test_the_soft_binding_carries_the_mark() -> None:
    data = soft_binding(STATEMENT)
    assert data["alg"] == STATEMENT.mark_algorithm
    assert [block["value"] for block in data["blocks"]] == [STATEMENT.mark_id.to_bytes(6, "big")]


def test_the_json_keeps_the_place_of_the_soft_bindings_bytes() -> None:
    """Text and bytes of one length are written with a header of one length."""
    import cbor2

    in_json = data_of(STATEMENT, "c2pa.soft-binding")
    assert len(cbor2.dumps(in_json)) == len(cbor2.dumps(soft_binding(STATEMENT)))


def test_the_disclosure_says_what_sb_942_asks_for() -> None:
    assert data_of(STATEMENT, DISCLOSURE_LABEL) == {
        "provider": "Test",
        "system": "Countermark",
        "system_version": "0.1",
        "created_at": "2026-01-02T03:04:05Z",
        "content_id": "urn:uuid:1",
    }


def test_times_are_given_in_utc() -> None:
    tokyo = dt.timezone(dt.timedelta(hours=9))
    moved = replace(STATEMENT, created_at=STATEMENT.created_at.astimezone(tokyo))
    assert build(moved, "image/png") == build(STATEMENT, "image/png")


def test_a_plain_image_makes_no_other_statement() -> None:
    manifest = build(STATEMENT, "image/webp")
    labels = {assertion["label"] for assertion in manifest["assertions"]}
    assert labels == {"c2pa.actions.v2", "c2pa.soft-binding", DISCLOSURE_LABEL, "c2pa.ai-disclosure"}
    assert (manifest["ingredients"], manifest["format"], manifest["title"]) == ([], "image/webp", "urn:uuid:1")


def test_an_edit_says_how_much_was_generated() -> None:
    extent = {"pixels": 65536, "generated": 6400, "changed": 6000, "threshold": 8, "psnr": 30.1}
    source = InputSource("image", "image/png", "0" * 64)
    statement = replace(STATEMENT, sources=(source,), edit=extent)
    assert data_of(statement, EDIT_LABEL) == extent
    edited = data_of(statement, "c2pa.actions.v2")["actions"][1]
    assert edited["description"] == "6,400 of 65,536 px generated."
    equal = replace(statement, edit={**extent, "psnr": None})
    assert "psnr" not in data_of(equal, EDIT_LABEL)


@pytest.mark.parametrize(
    ("roles", "names"),
    [
        ((), ["c2pa.created", "c2pa.watermarked.bound"]),
        (("reference", "reference"), ["c2pa.created", "c2pa.watermarked.bound"]),
        (("image",), ["c2pa.opened", "c2pa.edited", "c2pa.watermarked.bound"]),
        (("image", "mask", "reference"), ["c2pa.opened", "c2pa.edited", "c2pa.watermarked.bound"]),
    ],
)
def test_an_edit_opens_its_image_and_inputs_are_named(roles: tuple[Any, ...], names: list[str]) -> None:
    sources = tuple(InputSource(role, "image/png", f"{number:064}") for number, role in enumerate(roles))
    statement = replace(STATEMENT, sources=sources)
    actions = actions_of(statement)
    assert [action["action"] for action in actions] == names
    made = actions[-2]
    edited = "image" in roles
    assert made["digitalSourceType"] == (COMPOSITE if edited else TRAINED_ALGORITHMIC_MEDIA)
    labels = [f"{role}{number}" for number, role in enumerate(roles)]
    assert [one["label"] for one in build(statement, "image/png")["ingredients"]] == labels
    assert made.get("parameters", {}).get("ingredientIds", []) == [one for one in labels if one != "image0"]
    if edited:
        assert actions[0]["parameters"]["ingredientIds"] == ["image0"]
    if roles:
        digests = [one["digest"] for one in data_of(statement, SOURCES_LABEL)["sources"]]
        assert digests == [source.sha256 for source in sources]


@pytest.mark.parametrize(
    ("size", "canvas", "told"),
    [
        ((64, 64), (64, 64), []),
        ((128, 128), (64, 64), ["Resized to 64x64 px."]),
        ((96, 64), (64, 64), ["The centre of 96x64 px, 64x64 px, was kept."]),
        ((64, 96), (64, 64), ["The centre of 64x96 px, 64x64 px, was kept."]),
        ((400, 300), (64, 64), ["The centre of 400x300 px, 300x300 px, was kept.", "Resized to 64x64 px."]),
        ((300, 400), (128, 64), ["The centre of 300x400 px, 300x150 px, was kept.", "Resized to 128x64 px."]),
        ((1000, 667), (96, 64), ["Resized to 96x64 px."]),  # a third of a pixel is no crop
        (None, (64, 64), []),
        ((64, 96), None, []),
    ],
)
def test_an_image_that_is_fitted_to_the_canvas_was_cropped_and_resized(
    size: tuple[int, int] | None, canvas: tuple[int, int] | None, told: list[str]
) -> None:
    sources = (
        InputSource("image", "image/png", "0" * 64, size),
        InputSource("reference", "image/png", "1" * 64, (9, 9)),
    )
    opened, *fitted, edited, marked = actions_of(replace(STATEMENT, sources=sources, canvas=canvas))
    assert [each["action"] for each in (opened, edited, marked)] == [
        "c2pa.opened",
        "c2pa.edited",
        "c2pa.watermarked.bound",
    ]
    assert [each["description"] for each in fitted] == told
    names = {"The": "c2pa.cropped", "Resized": "c2pa.resized.proportional"}
    assert [each["action"] for each in fitted] == [names[each.split()[0]] for each in told]
    assert all(each["digitalSourceType"].endswith("/algorithmicallyEnhanced") for each in fitted)


def test_only_the_edited_image_is_a_parent() -> None:
    relationships = {role: InputSource(role, "image/png", "").ingredient("x")["relationship"] for role in ROLES}
    assert relationships == {"image": "parentOf", "mask": "inputTo", "reference": "inputTo"}


def test_upscaling_is_an_action_between_generation_and_mark() -> None:
    resized, watermarked = actions_of(replace(STATEMENT, resized=Resized("lanczos", "12.0", (256, 128))))[1:]
    assert (resized["action"], watermarked["action"]) == ("c2pa.resized.proportional", "c2pa.watermarked.bound")
    assert resized["softwareAgent"] == {"name": "lanczos", "version": "12.0"}
    assert "256x128 px" in resized["description"]
    assert resized["digitalSourceType"].endswith("/algorithmicallyEnhanced")


def test_consents_adapters_and_energy_are_stated_by_digest_and_figure() -> None:
    cost: dict[str, float | str | None] = {"seconds": 1.5, "watt_hours": None, "method": "unknown"}
    statement = replace(STATEMENT, consents=("a" * 64,), adapters=(("b" * 64, 0.5),), energy=cost)
    assert data_of(statement, CONSENT_LABEL) == {"receipts": [{"alg": "sha256", "digest": "a" * 64}]}
    assert data_of(statement, ADAPTERS_LABEL) == {"adapters": [{"alg": "sha256", "digest": "b" * 64, "scale": 0.5}]}
    assert data_of(statement, ENERGY_LABEL) == cost


def test_the_model_is_named_with_its_digest() -> None:
    data = data_of(STATEMENT, "c2pa.ai-disclosure")
    assert data["modelIdentifier"] == f"painter@1+sha256.{'0' * 64}"


def test_a_mark_id_of_more_than_48_bits_has_no_soft_binding() -> None:
    with pytest.raises(OverflowError):
        soft_binding_value(2**48)
