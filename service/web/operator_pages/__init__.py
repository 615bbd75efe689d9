"""The operator's pages: what waits for a decision, what was decided, and who may use the installation.

They do what the command line does, by the same functions, and each act is recorded as there.
"""

from fastapi import FastAPI

from service.web.operator_pages import appeals, audit_log, held, jobs, overview, sign_in, takedowns, tenants
from service.web.operator_pages.session import SignInNeeded, answer_sign_in

__all__ = ["install"]

_MODULES = (sign_in, overview, jobs, held, takedowns, appeals, audit_log, tenants)


def install(app: FastAPI) -> None:
    """Serve the pages. Whoever is not signed in gets the form to do so, at any address of them."""
    for module in _MODULES:
        app.include_router(module.router)
    app.add_exception_handler(SignInNeeded, answer_sign_in)
