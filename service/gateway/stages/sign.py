"""Sign: the file gets its Content Credential."""

from functools import partial

import structlog

from service.gateway import records
from service.gateway.execution import ReleaseObserver, stage
from service.gateway.options import GatewayOptions
from service.gateway.stages.sealing import claim_constructor, require_sealed
from service.gateway.stages.types import Marked, Signed
from service.generation import Backend
from service.kit.deadline import within
from service.media.pictures import preview
from watermark.c2pa.credentials import Credentials

log = structlog.get_logger()

_signed = claim_constructor(Signed)


class SignStage:
    """Marked -> Signed."""

    def __init__(self, credentials: Credentials, backend: Backend, options: GatewayOptions) -> None:
        self._credentials = credentials
        self._backend = backend
        self._options = options

    def __call__(self, marked: Marked, observer: ReleaseObserver) -> Signed:
        """Sign the watermarked file with the manifest of its order. Raises Refusal if signing fails or is too slow."""
        draft, imprint = require_sealed(marked, Marked).cleared.draft, marked.imprint
        with stage("sign", observer):
            statement = records.statement(draft, self._options, self._backend.default_size, imprint.label)
            sign = partial(self._credentials.sign, imprint.data, imprint.mime, statement)
            if inputs := records.inputs_of(draft.admitted.order):
                sign = partial(sign, inputs=inputs)
            if longest := self._options.thumbnail:
                sign = partial(sign, thumbnail=preview(imprint.rgb, longest))
            signed = within(self._options.finish_timeout, sign)
            if signed.without_timestamp:
                log.warning("untimestamped", content_id=draft.admitted.content_id, reason=signed.without_timestamp)
            return _signed(marked, signed.data, imprint.mime, signed.manifest, signed.timestamp)
