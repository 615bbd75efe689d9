"""Who is signed in: the cookie, and what a form has to bring so that no other site can send it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from service.access.operator_sessions import LIFETIME, Operator
from service.api.dependencies import CurrentInstallation
from service.kit.errors import BadRequest
from service.web.form_texts import read_texts
from service.web.rendering import OPERATOR, check_same_site, language_query, page

COOKIE = "countermark_operator"


class SignInNeeded(Exception):
    """Nobody is signed in. `cookie`: the browser has a session that has ended."""

    def __init__(self, *, ended: bool) -> None:
        super().__init__()
        self.ended = ended


@dataclass(frozen=True, slots=True)
class Act:
    """A form that somebody who is signed in sent from one of these pages."""

    operator: Operator
    texts: Mapping[str, str]

    def text(self, name: str) -> str:
        """A field, empty if it was not filled in."""
        return self.texts.get(name, "")


async def _operator(request: Request, installation: CurrentInstallation) -> Operator:
    """Raises SignInNeeded, Unavailable."""
    token = request.cookies.get(COOKIE)
    found = await run_in_threadpool(installation.operator_sessions.operator, token) if token else None
    if found is None:
        raise SignInNeeded(ended=token is not None)
    return found


CurrentOperator = Annotated[Operator, Depends(_operator)]


async def _act(request: Request, operator: CurrentOperator) -> Act:
    """Raises SignInNeeded, Unavailable; BadRequest for a form that is not from a page of this session."""
    check_same_site(request)
    texts = await read_texts(request)
    if not operator.sent(texts.get("form_token", "")):
        raise BadRequest("the form is not from a page of this session", hint="Open the page again and send its form.")
    return Act(operator, texts)


CurrentAct = Annotated[Act, Depends(_act)]


async def answer_sign_in(request: Request, needed: Exception) -> HTMLResponse:
    """The form to sign in, in place of any page."""
    ended = isinstance(needed, SignInNeeded) and needed.ended
    return page(request, "operator/sign_in.html", {"ended": ended, "error": None}, status=401)


def begin(request: Request, token: str) -> Response:
    """Give the browser its session: no script reads it, no other site sends it, and only these pages get it."""
    response = redirect(request)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LIFETIME.total_seconds()),
        path=_path(request),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def end(request: Request) -> Response:
    """Take the session from the browser."""
    response = redirect(request)
    response.delete_cookie(COOKIE, path=_path(request), httponly=True, samesite="strict")
    return response


def redirect(request: Request, path: str = "", done: str = "") -> RedirectResponse:
    """To one of these pages after an act, which `done` names there. A reload does not send the form again."""
    query = "&".join(filter(None, (language_query(request).lstrip("?"), done and f"done={done}")))
    return RedirectResponse(f"{_path(request)}{path}{'?' if query else ''}{query}", 303)


def operator_page(
    request: Request, operator: Operator, template: str, values: Mapping[str, object], tab: str
) -> HTMLResponse:
    """One of these pages; `tab`: the part of them that it belongs to."""
    done = request.query_params.get("done", "")
    shared = {"operator": operator, "tab": tab, "done": done if done.isidentifier() else ""}
    return page(request, f"operator/{template}", {**shared, **values})


def _path(request: Request) -> str:
    return f"{request.scope.get('root_path', '')}{OPERATOR}"
