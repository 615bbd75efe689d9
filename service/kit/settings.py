"""One Settings object. Every field is an environment variable `COUNTERMARK_<FIELD>`; docs/settings.md lists them."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_path
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.kit.errors import Misconfigured

PREFIX = "COUNTERMARK_"
MiB = 1 << 20

# What Kubernetes injects for a Service called "countermark"; these are nobody's settings.
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP)")


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Settings(BaseSettings):
    """All settings with their defaults. Immutable; read once at start."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    home: Annotated[Path, Field(description="Folder of all state: ledger, keys.")] = user_data_path("countermark")
    database_url: Annotated[
        str | None,
        Field(description="SQLAlchemy URL (`postgresql+pg8000://...`) of the ledger; unset: `ledger.db` in home."),
    ] = None
    provider: Annotated[
        str, Field(min_length=1, max_length=100, description="Your name, as it stands in every manifest.")
    ] = "Countermark (unnamed installation)"

    pipeline: Annotated[
        str,
        Field(min_length=1, description="`embedded`, a card's name, a diffusers folder, or a hub id."),
    ] = "embedded"
    allow_hub: Annotated[bool, Field(description="Let the pipeline be downloaded by its hub id.")] = False
    device: Annotated[str, Field(description="torch device of the pipeline: `cpu`, `cuda`, ...")] = "cpu"
    precision: Annotated[
        Literal["float32", "float16", "bfloat16"], Field(description="torch dtype of the pipeline.")
    ] = "float32"
    offload: Annotated[
        Literal["none", "model", "sequential"],
        Field(description="Keep the pipeline in main memory: on the device is one model at a time, or one layer."),
    ] = "none"
    reference_adapter: Annotated[
        Path | None, Field(description="Folder of an IP-Adapter: orders may then bring reference pictures.")
    ] = None
    threads: Annotated[int, Field(ge=1, le=256, description="CPU threads of each model.")] = min(4, os.cpu_count() or 1)
    onnx_providers: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(lambda text: text.split(",") if isinstance(text, str) else text),
        Field(description="ONNX Runtime execution providers, best first, separated by commas."),
    ] = ("CPUExecutionProvider",)
    max_images: Annotated[int, Field(ge=1, le=10, description="Largest `n` of one request.")] = 4

    safety_threshold: Annotated[
        float, Field(gt=0, le=0.8, description="Score from which an image is refused; 0.8 is the laxest.")
    ] = 0.5
    prompt_rules: Annotated[
        tuple[Path, ...],
        NoDecode,
        BeforeValidator(_split),
        Field(description="Rule files for prompts beside the shipped rules, separated by commas; see docs/prompts.md."),
    ] = ()
    grantee: Annotated[
        str, Field(min_length=1, max_length=100, description="Who this installation is in grants of consent.")
    ] = "default"
    likeness_review_distance: Annotated[
        float | None,
        Field(
            ge=0, le=2, description="Face distance up to which a person has to decide; 0: none, unset: the model's own."
        ),
    ] = None

    keep_held_days: Annotated[
        int,
        Field(
            ge=0, le=30, description="Days to keep a held picture, sealed, for an operator to look at; 0: none is kept."
        ),
    ] = 0
    examiner_needs_key: Annotated[
        bool, Field(description="Let only tenants examine pictures over HTTP (`/v1/inspect`, `/v1/detect`).")
    ] = False
    self_enrolment: Annotated[
        bool, Field(description="Let anybody enrol their own face over HTTP; read docs/liveness.md first.")
    ] = False

    safe_retries: Annotated[
        int,
        Field(ge=0, le=3, description="How often a picture that is unsafe is drawn again, steered ever harder away."),
    ] = 2
    screen_timeout: Annotated[float, Field(gt=0, description="Seconds a safety check may take.")] = 30.0
    render_timeout: Annotated[
        float, Field(gt=0, description="Seconds a rendering may take; waiting for it does not count.")
    ] = 600.0
    finish_timeout: Annotated[
        float, Field(gt=0, description="Seconds that marking, signing and proving a picture may take, each.")
    ] = 60.0

    queue_length: Annotated[
        int, Field(ge=1, le=1000, description="Pictures that may wait to be drawn; further ones are refused as `busy`.")
    ] = 32
    queue_timeout: Annotated[
        float, Field(gt=0, description="Seconds a picture may wait to be drawn before it is refused as `busy`.")
    ] = 300.0
    batch_size: Annotated[
        int,
        Field(
            ge=1,
            le=16,
            description="Pictures of equal size, steps and guidance that are drawn in one call. Above 1 the same seed "
            "gives pixels that differ by about 1/255, depending on who asks at the same time.",
        ),
    ] = 1
    watts: Annotated[
        float,
        Field(
            gt=0,
            le=1000,
            allow_inf_nan=False,
            description="Watts of one busy core, for the energy of pictures where no counter can be read.",
        ),
    ] = 4.0
    energy_in_manifest: Annotated[
        bool, Field(description="Say in the manifest what drawing the picture cost; the ledger always has it.")
    ] = False

    block_at_receipt: Annotated[
        bool, Field(description="Block a picture as soon as a notice of removal names it; else when it is decided.")
    ] = True

    mark_secret: Annotated[
        SecretStr | None,
        Field(description="Secret of the watermark, 16 bytes or more; unset: made once in the home folder."),
    ] = None
    mark_keys: Annotated[
        Path | None,
        Field(description="File of watermark secrets, newest first, one a line; only its owner may read it."),
    ] = None
    mark_pool: Annotated[
        int, Field(ge=1, le=16, description="Keys of the watermark's pool; never less than marks were made with.")
    ] = 4
    foreign_marks: Annotated[
        bool, Field(description="Look for other people's marks: stock marks (extra `foreign-marks`) and plug-ins.")
    ] = True
    foreign_messages: Annotated[
        Path | None, Field(description="TOML file of more messages to look for; see docs/watermark.md.")
    ] = None
    signing_certificates: Annotated[
        Path | None, Field(description="PEM chain, leaf first; unset: a development PKI is made.")
    ] = None
    signing_key: Annotated[Path | None, Field(description="PEM private key of the leaf (PKCS#8).")] = None
    signing_algorithm: Annotated[
        Literal["es256", "es384", "ps256", "ed25519"], Field(description="COSE algorithm of the key.")
    ] = "es256"
    trust_anchors: Annotated[
        Path | None, Field(description="PEM file of CA certificates whose signatures count as trusted.")
    ] = None

    threshold_fpr: Annotated[
        float, Field(gt=0, lt=1, description="False-positive rate at which `likely_synthetic` is said: 0.05 or 0.01.")
    ] = 0.05
    thresholds: Annotated[
        Path | None, Field(description="Threshold file that `countermark benchmark` wrote; unset: the model's own.")
    ] = None

    max_bytes: Annotated[int, Field(ge=1024, description="Largest file examined, bytes.")] = 32 * MiB
    max_pixels: Annotated[int, Field(ge=4096, description="Largest picture decoded, pixels.")] = 64_000_000

    decode_timeout: Annotated[float, Field(gt=0, description="Seconds that decoding a picture may take.")] = 30.0

    host: Annotated[str, Field(description="Address `serve` listens on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port `serve` listens on.")] = 8000
    requests_per_minute: Annotated[
        int,
        Field(
            ge=0,
            le=100_000,
            description="Of one address to notices, appeals, enrolment and PINs, and about one number; 0: no limit.",
        ),
    ] = 60
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least severe log line written.")
    ] = "info"

    @model_validator(mode="after")
    def _signing_material_is_complete(self) -> "Settings":
        if not self.home.is_absolute() and str(self.home) in ("", "."):
            raise ValueError("home must name a folder")
        if (self.signing_certificates is None) != (self.signing_key is None):
            raise ValueError("signing_certificates and signing_key go together: set both or neither")
        if self.mark_secret is not None and len(self.mark_secret.get_secret_value().encode()) < 16:
            raise ValueError("mark_secret must be 16 bytes or more")
        if self.mark_secret is not None and (text := self.mark_secret.get_secret_value()) != text.strip():
            raise ValueError("mark_secret must not begin or end with a blank: in a key file it would be another secret")
        if self.mark_secret is not None and self.mark_keys is not None:
            raise ValueError("mark_secret and mark_keys exclude each other: put the secret into the file")
        return self


def load_settings() -> Settings:
    """Settings from the environment.

    Raises:
        Misconfigured: a value is wrong, or a COUNTERMARK_* variable is none of ours (a typo is not silence).
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    strangers = sorted(
        name for name in os.environ if name.startswith(PREFIX) and name not in known and not _SERVICE_LINK.search(name)
    )
    if strangers:
        raise Misconfigured(f"unknown setting {', '.join(strangers)}")
    try:
        return Settings()
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        field = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise Misconfigured(f"{field.rstrip('_')}: {first['msg']}") from None
