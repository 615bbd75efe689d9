"""Pages for people, rendered here: examine files, and generate an image. They work without JavaScript."""

from service.web.app import create_app

__all__ = ["create_app"]
