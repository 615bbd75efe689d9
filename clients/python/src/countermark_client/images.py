"""The files in an answer."""

import base64

from countermark_client.models import ImagesResponse


def image_files(response: ImagesResponse) -> list[bytes]:
    """The released files, as they were signed: write them as they are, since any change breaks the credential."""
    texts = (image.b64_json or (image.url or "").partition(",")[2] for image in response.data)
    return [base64.b64decode(text) for text in texts]
