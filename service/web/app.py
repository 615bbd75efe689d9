"""The application with its pages: the API, and in front of it the pages, unless they are switched off."""

from fastapi import FastAPI

from service import api
from service.api.sharing import Sharing
from service.installation import Installation
from service.web import appeal, assets, examine, generate, operator_pages
from service.web.problem_pages import ProblemPages

_MODULES = (examine, generate, appeal, assets)


def create_app(installation: Installation, sharing: Sharing | None = None) -> FastAPI:
    """The HTTP application over an open installation, with pages if the settings say so; see `service.api`."""
    app = api.create_app(installation, sharing)
    if installation.settings.pages:
        for module in _MODULES:
            app.include_router(module.router)
        operator_pages.install(app)
        app.add_middleware(ProblemPages)
    return app
