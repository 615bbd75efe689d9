"""Prove: the finished file is read as anybody else would read it."""

from functools import partial

import numpy as np

from service.gateway import records
from service.gateway.execution import ReleaseObserver, expect, stage
from service.gateway.options import OWN_FILE_LIMITS
from service.gateway.stages.labelling import Labelling
from service.gateway.stages.sealing import claim_constructor, require_sealed
from service.gateway.stages.types import Proven, Signed
from service.kit.deadline import Running, within
from service.media.pictures import decode
from watermark.c2pa.credentials import Credentials
from watermark.c2pa.manifest import soft_binding_value

_proven = claim_constructor(Proven)


class ProveStage:
    """Signed -> Proven."""

    def __init__(self, credentials: Credentials, labelling: Labelling, timeout: float) -> None:
        """`timeout`: seconds that reading the file may take."""
        self._credentials = credentials
        self._labelling = labelling
        self._timeout = timeout

    def __call__(self, signed: Signed, observer: ReleaseObserver) -> Proven:
        """Require the pixels in which the mark was read, every label, and a valid credential that names the mark.

        Raises:
            Refusal: one of them is missing, or reading the file fails or is too slow.
        """
        with stage("prove", observer):
            within(self._timeout, partial(self._read_back, require_sealed(signed, Signed)))
            return _proven(signed)

    def _read_back(self, signed: Signed) -> None:
        draft, imprint = signed.marked.cleared.draft, signed.marked.imprint
        edited = bool(records.inputs_of(draft.admitted.order))
        read = partial(self._credentials.read_back, signed.data, signed.mime, of_input=edited)
        validation = Running(read)  # beside the pixels
        decoded = decode(signed.data, OWN_FILE_LIMITS).rgb
        expect(np.array_equal(decoded, imprint.rgb), "the signed file does not show the marked image")
        self._labelling.check_written(draft.admitted, signed.data)
        credential = validation.result(self._timeout)
        expect(
            credential.state in ("trusted", "valid_untrusted"),
            f"the credential does not read back: {'; '.join(credential.failures) or credential.state}",
        )
        bound = [binding.value for binding in credential.soft_bindings]
        expect(bound == [soft_binding_value(draft.admitted.mark_id)], "the credential names another mark")
