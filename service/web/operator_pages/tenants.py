"""Tenants and their keys: add, rotate, revoke and remove, as `countermark tenants` does."""

import datetime as dt
from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from service.access.api_keys import Keyed, KeyTerms
from service.access.scopes import ALL_SCOPES, TENANT_SCOPES
from service.access.tenants import Terms
from service.api.dependencies import CurrentInstallation
from service.kit.errors import BadRequest, first_fault
from service.web.operator_pages.session import Act, CurrentAct, CurrentOperator, operator_page, redirect
from service.web.rendering import OPERATOR

router = APIRouter(include_in_schema=False)

_PATH = f"{OPERATOR}/tenants"
_NUMBERS = ("lifetime_days", "requests_per_minute", "images_per_day", "images_per_month", "examinations_per_day",
            "examinations_per_month")  # fmt: skip


@router.get(_PATH)
def list_tenants(request: Request, installation: CurrentInstallation, operator: CurrentOperator) -> HTMLResponse:
    """Every tenant with its keys."""
    keys = installation.api_keys.list()
    values = {
        "tenants": [
            (each, [key for key in keys if key.tenant == each.name]) for each in installation.tenants.everybody()
        ],
        "scopes": ALL_SCOPES,
        "usual_scopes": TENANT_SCOPES,
    }
    return operator_page(request, operator, "tenants.html", values, "tenants")


@router.post(_PATH + "/add")
def add_tenant(request: Request, installation: CurrentInstallation, act: CurrentAct) -> HTMLResponse:
    """A tenant, and its first key, shown only once. Raises BadRequest."""
    try:
        terms = Terms(name=act.text("name"))
    except ValidationError as wrong:
        raise _bad(wrong) from None
    return _new_key(request, act, installation.tenants.add(terms, _terms(act.texts)))


@router.post(_PATH + "/add-key")
def add_key(request: Request, installation: CurrentInstallation, act: CurrentAct) -> HTMLResponse:
    """A further key, shown only once. Raises BadRequest, NotFound."""
    return _new_key(request, act, installation.api_keys.add(act.text("name"), _terms(act.texts)))


@router.post(_PATH + "/rotate-key")
def rotate_key(request: Request, installation: CurrentInstallation, act: CurrentAct) -> HTMLResponse:
    """A key in place of another, shown only once. Raises BadRequest, NotFound."""
    hours = act.text("hours")
    if not (hours.isascii() and hours.isdecimal() and len(hours) < 4):
        raise BadRequest("the overlap is a number of hours", param="hours")
    return _new_key(request, act, installation.api_keys.rotate(act.text("key"), dt.timedelta(hours=int(hours))))


@router.post(_PATH + "/revoke-key")
def revoke_key(request: Request, installation: CurrentInstallation, act: CurrentAct) -> Response:
    """End a key now. Raises BadRequest, NotFound."""
    _check_sure(act)
    installation.api_keys.revoke(act.text("key"))
    return redirect(request, "/tenants", "key_revoked")


@router.post(_PATH + "/remove")
def remove_tenant(request: Request, installation: CurrentInstallation, act: CurrentAct) -> Response:
    """End a tenant for good. Raises BadRequest, NotFound."""
    _check_sure(act)
    installation.tenants.remove(act.text("name"))
    return redirect(request, "/tenants", "tenant_removed")


def _new_key(request: Request, act: Act, made: Keyed) -> HTMLResponse:
    """Not a redirect: nobody can see the key again."""
    return operator_page(request, act.operator, "new_key.html", {"made": made}, "tenants")


def _terms(texts: Mapping[str, str]) -> KeyTerms:
    """Raises BadRequest."""
    scopes = tuple(scope for scope in ALL_SCOPES if texts.get(f"scope_{scope}"))
    numbers = {name: texts[name] for name in _NUMBERS if name in texts}
    try:
        return KeyTerms.model_validate({"label": texts.get("label", ""), "scopes": scopes, **numbers})
    except ValidationError as wrong:
        raise _bad(wrong) from None


def _bad(wrong: ValidationError) -> BadRequest:
    return BadRequest(first_fault(wrong.errors(include_input=False, include_url=False)))


def _check_sure(act: Act) -> None:
    """Raises BadRequest unless the box was ticked that says so: this cannot be undone."""
    if not act.text("sure"):
        raise BadRequest("tick the box first: this cannot be undone", param="sure")
