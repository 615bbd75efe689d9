"""What one manifest of a store says, from the SDK's JSON."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from watermark.c2pa.credential import Action, Ingredient, Manifest, Redaction, SoftBinding
from watermark.c2pa.json_values import dict_of, dicts_of, list_of, text_of
from watermark.c2pa.results import TRUSTED, Results, Store, assertion_of
from watermark.c2pa.status import Integrity, SignerStatus, worst

T = TypeVar("T")


def manifest_in(read: Store, label: str, body: dict[str, Any]) -> Manifest:
    """The manifest `label` of a store. What cannot be read of it is noted in `read.malformed`."""
    assertions = dicts_of(body.get("assertions"))
    signature = dict_of(body.get("signature_info"))
    info = next(iter(dicts_of(body.get("claim_generator_info"))), {})
    generator = " ".join(filter(None, (text_of(info.get("name")), text_of(info.get("version")))))
    version = body.get("claim_version")

    def tolerant(found: Callable[[], Iterable[T]]) -> tuple[T, ...]:
        """An assertion of unknown shape makes its manifest malformed; everything else is still read."""
        try:
            return tuple(found())
        except (AttributeError, KeyError, TypeError, ValueError):
            read.malformed.append(label)
            return ()

    return Manifest(
        id=label or None,
        title=text_of(body.get("title")),
        generator=generator or text_of(body.get("claim_generator")),
        signer=text_of(signature.get("common_name")),
        issuer=text_of(signature.get("issuer")),
        claim_version=version if isinstance(version, int) else None,
        actions=tolerant(lambda: _actions(assertions)),
        all_actions=any(
            dict_of(each.get("data")).get("allActionsIncluded") is True for each in labelled(assertions, "c2pa.actions")
        ),
        ingredients=tolerant(lambda: _ingredients(read, label, body)),
        soft_bindings=tolerant(lambda: _soft_bindings(assertions)),
        redactions=tolerant(lambda: _redactions(body, assertions)),
        metadata_source_types=tolerant(lambda: _metadata_source_types(assertions)),
        thumbnail=text_of(dict_of(body.get("thumbnail")).get("identifier")),
    )


def labelled(assertions: Iterable[dict[str, Any]], prefix: str) -> Iterator[dict[str, Any]]:
    return (each for each in assertions if str(each.get("label", "")).startswith(prefix))


def _actions(assertions: Iterable[dict[str, Any]]) -> Iterator[Action]:
    for assertion in labelled(assertions, "c2pa.actions"):
        for entry in (assertion.get("data") or {}).get("actions") or []:
            agent = entry.get("softwareAgent")
            parameters = dict_of(entry.get("parameters"))
            yield Action(
                action=str(entry.get("action")),
                digital_source_type=text_of(entry.get("digitalSourceType") or parameters.get("digitalSourceType")),
                agent=text_of(agent.get("name") if isinstance(agent, dict) else agent),
                when=text_of(entry.get("when")),
                ingredients=tuple(_named(entry, parameters)),
                description=text_of(entry.get("description") or parameters.get("description")),
            )


def _named(entry: Mapping[str, Any], parameters: Mapping[str, Any]) -> Iterator[str]:
    """The ingredients that an action names: by assertion (version 2), or by instance id (version 1)."""
    for reference in [*dicts_of(parameters.get("ingredients")), dict_of(parameters.get("ingredient"))]:
        if url := text_of(reference.get("url")):
            yield url.rsplit("/", 1)[-1]
    for instance in (entry.get("instanceId"), parameters.get("instanceId"), *list_of(parameters.get("ingredientIds"))):
        if instance:
            yield str(instance)


def _soft_bindings(assertions: Iterable[dict[str, Any]]) -> Iterator[SoftBinding]:
    for assertion in labelled(assertions, "c2pa.soft-binding"):
        data = assertion.get("data") or {}
        for block in data.get("blocks") or []:
            yield SoftBinding(str(data.get("alg")), str(block.get("value")))


def _redactions(body: Mapping[str, Any], assertions: Iterable[dict[str, Any]]) -> Iterator[Redaction]:
    """What the claim redacts; the reason stands in the action `c2pa.redacted`."""
    reasons: dict[str, str | None] = {str(target): None for target in list_of(body.get("redactions"))}
    for assertion in labelled(assertions, "c2pa.actions"):
        for entry in (assertion.get("data") or {}).get("actions") or []:
            if entry.get("action") == "c2pa.redacted":
                target = str(dict_of(entry.get("parameters")).get("redacted"))
                reasons[target] = text_of(entry.get("reason"))
    for target, reason in reasons.items():
        yield Redaction(target, reason)


def _metadata_source_types(assertions: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Digital source types in signed metadata (C2PA 2.4, 18.16), where no action says anything."""
    for assertion in assertions:
        if str(assertion.get("label", "")).startswith(("c2pa.metadata", "stds.iptc")):
            data = dict_of(assertion.get("data"))
            found = data.get("Iptc4xmpExt:DigitalSourceType") or data.get("Iptc4xmpExt:digitalsourcetype")
            if found:
                yield str(found)


def _ingredients(read: Store, label: str, body: Mapping[str, Any]) -> Iterator[Ingredient]:
    for ingredient in dicts_of(body.get("ingredients")):
        own = str(ingredient.get("label"))
        results = read.ingredients.get((label, own), Results())
        # Some of what is wrong with a reference to an ingredient is reported of the manifest that refers to it.
        referring = [entry for entry in read.results.failure if assertion_of(str(entry.get("url"))) == (label, own)]
        codes = [entry["code"] for entry in (*results.failure, *referring)]
        # The files below are not here: an editor's word on what did not match them is all there is.
        wrong = [code for code in dict.fromkeys(codes) if worst({code}) is not Integrity.INTACT]
        manifest_id = text_of(ingredient.get("active_manifest"))
        yield Ingredient(
            title=text_of(ingredient.get("title")),
            relationship=text_of(ingredient.get("relationship")),
            failures=tuple(wrong),
            label=own,
            instance_id=text_of(ingredient.get("instance_id")),
            mime=text_of(ingredient.get("format")),
            manifest_id=manifest_id,
            signer_status=results.signer_status(trusted=TRUSTED in results.codes("success"), stamped=False)
            if manifest_id
            else SignerStatus.NONE,
            thumbnail=text_of(dict_of(ingredient.get("thumbnail")).get("identifier")),
        )
