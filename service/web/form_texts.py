"""Text fields of a page's form."""

from fastapi import Request

from service.api.forms import form_of, is_form
from service.kit.errors import BadRequest


async def read_texts(request: Request) -> dict[str, str]:
    """The fields that were filled in, by name; of a repeated one the first. Files are left alone.

    Raises:
        BadRequest: the request is not a form, or has too many parts.
    """
    if not is_form(request):
        raise BadRequest("the request is not a form", hint="Send the form of the page.")
    async with form_of(request, 1) as form:
        texts: dict[str, str] = {}
        for name, value in form.multi_items():
            if isinstance(value, str) and value:
                texts.setdefault(name, value)
        return texts
