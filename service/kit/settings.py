"""The settings. Every field is an environment variable `COUNTERMARK_<FIELD>`; docs/settings.md lists them."""

import ipaddress
import os
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from service.kit.errors import Misconfigured

PREFIX = "COUNTERMARK_"
MiB = 1 << 20

RENAMED = {
    "BLOCK_AT_RECEIPT": "BLOCK_ON_NOTICE",
    "FOREIGN_MARKS": "FOREIGN_WATERMARKS",
    "FOREIGN_MESSAGES": "FOREIGN_WATERMARKS_FILE",
    "KEEP_HELD_DAYS": "HELD_RETENTION_DAYS",
    "MARK_KEYS": "WATERMARK_SECRETS_FILE",
    "MARK_POOL": "WATERMARK_KEY_POOL",
    "MARK_SECRET": "WATERMARK_SECRET",
    "SAFE_RETRIES": "STEERING_RETRIES",
    "THRESHOLDS": "THRESHOLDS_FILE",
    "WATTS": "WATTS_PER_CORE",
}
"""Settings that had another name in version 0.1, without the prefix. The old name still works, with a warning."""

OPENAI_MODELS = (
    "dall-e-2",
    "dall-e-3",
    "gpt-image-1",
    "gpt-image-1-mini",
    "gpt-image-1.5",
    "gpt-image-2",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.6-flare",
    "gpt-image-2.6-sunburst",
    "chatgpt-image-latest",
)
"""Names that clients of OpenAI's API send if nobody tells them another: many cannot be told."""

_ALIAS = re.compile(r"[\w.:/@-]{1,100}(=[\w.:/@-]{1,100})?", re.ASCII)

# Kubernetes injects these variables for a Service named "countermark"; they are not settings.
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP)")


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses and networks as networks. Raises ValueError, also for a network with bits outside its mask."""
    return tuple(str(ipaddress.ip_network(value)) for value in values)


def _aliases(values: tuple[str, ...]) -> tuple[str, ...]:
    """Raises ValueError for a value that is neither `ALIAS` nor `ALIAS=MODEL`."""
    if wrong := next((value for value in values if not _ALIAS.fullmatch(value)), None):
        raise ValueError(f"{wrong} is neither ALIAS nor ALIAS=MODEL")
    return values


class Settings(BaseSettings):
    """All settings with their defaults. Immutable; read once at start-up."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    home: Annotated[Path, Field(description="Folder of all state: ledger and keys.")] = user_data_path("countermark")
    database_url: Annotated[
        str | None,
        Field(description="SQLAlchemy URL of the ledger (`postgresql+pg8000://...`); unset: `ledger.db` in home."),
    ] = None
    log_origin: Annotated[
        str | None,
        Field(
            max_length=200,
            pattern=r"^[^\s+]+$",
            description="Name of your audit log in its checkpoints, a URL without scheme such as "
            "`example.com/countermark`; unset: made of the log's key.",
        ),
    ] = None
    checkpoint_sinks: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(_split),
        Field(
            description="Where checkpoints of the audit log also go, comma-separated: `file:/PATH`, `syslog:`, "
            "`syslog://HOST:PORT`, `https://WITNESS#KEY`; see docs/audit-log.md."
        ),
    ] = ()
    required_checkpoint_sinks: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(_split),
        Field(description="The same, and no image is released whose record one of these sinks did not take."),
    ] = ()
    checkpoint_seconds: Annotated[
        float, Field(gt=0, description="Seconds between two checkpoints to sinks that are not required, in `serve`.")
    ] = 60.0
    checkpoint_timeout: Annotated[
        float, Field(gt=0, description="Seconds allowed to the sinks to take a checkpoint, all together.")
    ] = 5.0
    provider: Annotated[
        str, Field(min_length=1, max_length=100, description="Your name, as written into every manifest.")
    ] = "Countermark (unnamed installation)"

    pipeline: Annotated[
        str,
        Field(min_length=1, description="`embedded`, the name of a card, a diffusers folder, or a hub id."),
    ] = "embedded"
    allow_hub: Annotated[bool, Field(description="Allow the pipeline to be downloaded from the hub.")] = False
    device: Annotated[str, Field(description="torch device of the pipeline, such as `cpu` or `cuda`.")] = "cpu"
    precision: Annotated[
        Literal["float32", "float16", "bfloat16"], Field(description="torch dtype of the pipeline.")
    ] = "float32"
    offload: Annotated[
        Literal["none", "model", "sequential"],
        Field(description="Keep the pipeline in main memory and move one `model` or layer (`sequential`) at a time."),
    ] = "none"
    reference_adapter: Annotated[
        Path | None, Field(description="Folder of an IP-Adapter; orders may then include reference images.")
    ] = None
    threads: Annotated[int, Field(ge=1, le=256, description="CPU threads of each model.")] = min(4, os.cpu_count() or 1)
    onnx_providers: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(lambda text: text.split(",") if isinstance(text, str) else text),
        Field(description="ONNX Runtime execution providers, preferred first, comma-separated."),
    ] = ("CPUExecutionProvider",)
    max_images: Annotated[int, Field(ge=1, le=10, description="Largest `n` of one request.")] = 4
    model_aliases: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(_split),
        AfterValidator(_aliases),
        Field(
            description="Other names by which clients may ask for the model, comma-separated: `ALIAS`, or "
            "`ALIAS=MODEL` to answer only while that model is served. Answers and manifests name the model itself."
        ),
    ] = OPENAI_MODELS

    a1111_routes: Annotated[
        bool, Field(description="Also answer A1111's API (`/sdapi/v1/txt2img` and others); see docs/clients.md.")
    ] = False

    safety_threshold: Annotated[
        float, Field(gt=0, le=0.8, description="Score from which an image is refused; 0.8 is the most permissive.")
    ] = 0.5
    min_edit_area: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="The least share of an input image that an edit must change, 0 to 1; less is refused.",
        ),
    ] = 0.01
    prompt_rules: Annotated[
        tuple[Path, ...],
        NoDecode,
        BeforeValidator(_split),
        Field(description="Prompt rule files in addition to the shipped rules, comma-separated; see docs/prompts.md."),
    ] = ()
    grantee: Annotated[
        str,
        Field(min_length=1, max_length=100, description="Name of this installation in consent grants."),
    ] = "default"
    face_model: Annotated[
        Literal["auto", "faces", "dlib"],
        Field(
            description="What compares faces: the pulled model `faces`, or `dlib` (extra `faces`). `auto`: your own "
            "cards, else `faces` if it is pulled, else `dlib`."
        ),
    ] = "auto"
    likeness_review_distance: Annotated[
        float | None,
        Field(
            ge=0,
            le=2,
            description="Face distance up to which a person reviews the image; 0: no review, unset: the model's own.",
        ),
    ] = None

    held_retention_days: Annotated[
        int,
        Field(ge=0, le=30, description="Days to keep a held image, encrypted, for review; 0: none is kept."),
    ] = 0
    examiner_needs_key: Annotated[
        bool, Field(description="Require a tenant's key to examine images over HTTP (`/v1/inspect`, `/v1/detect`).")
    ] = False
    public_verification: Annotated[
        bool,
        Field(
            description="Let anybody examine images and look manifests up without a key, at the rate below and without "
            "personal provenance; everything that makes images then needs a key. See docs/laws.md."
        ),
    ] = False
    public_examinations: Annotated[
        int,
        Field(
            ge=0,
            description="Examinations without a key from one address in an hour, once there is a tenant or "
            "public_verification; 0: no limit. Unlimited answers show how to remove a watermark.",
        ),
    ] = 60
    pages: Annotated[
        bool, Field(description="Serve pages for people at `/` and `/generate` beside the API; see docs/pages.md.")
    ] = True
    self_enrolment: Annotated[
        bool, Field(description="Let people enrol their own face over HTTP; read docs/liveness.md first.")
    ] = False

    labels: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(_split),
        Field(description="Laws whose labels are written into every image, comma-separated; see docs/laws.md."),
    ] = ()
    visible_label: Annotated[
        bool, Field(description="Draw a visible label on every image; otherwise only where an order asks for it.")
    ] = False
    label_language: Annotated[
        Literal["en", "de", "es", "fr", "zh"] | None,
        Field(description="Language of the visible label; unset: Chinese with China's law, else English."),
    ] = None
    label_position: Annotated[
        Literal["top-left", "top-right", "bottom-left", "bottom-right"],
        Field(description="Corner of the visible label."),
    ] = "bottom-right"
    label_producer: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=100,
            description="Your code (ContentProducer) in China's label; unset: provider.",
        ),
    ] = None

    steering_retries: Annotated[
        int,
        Field(ge=0, le=3, description="How often to generate an unsafe image again, each time with stronger steering."),
    ] = 2
    screen_timeout: Annotated[float, Field(gt=0, description="Seconds allowed for each safety check.")] = 30.0
    render_timeout: Annotated[
        float, Field(gt=0, description="Seconds allowed to generate an image; time in the queue does not count.")
    ] = 600.0
    finish_timeout: Annotated[
        float, Field(gt=0, description="Seconds allowed for each of marking, signing and proving an image.")
    ] = 60.0

    queue_length: Annotated[
        int,
        Field(ge=1, le=1000, description="Images that may wait in the queue; further ones are refused as `busy`."),
    ] = 32
    queue_timeout: Annotated[
        float, Field(gt=0, description="Seconds an image may wait in the queue before its order is refused as `busy`.")
    ] = 300.0
    batch_size: Annotated[
        int,
        Field(
            ge=1,
            le=16,
            description="Images of equal size, steps and guidance that are generated in one call. Above 1, pixels for "
            "the same seed vary by about 1/255 with the other orders in the batch.",
        ),
    ] = 1
    watts_per_core: Annotated[
        float,
        Field(
            gt=0,
            le=1000,
            allow_inf_nan=False,
            description="Power of one busy core in watts, to estimate energy where no hardware counter can be read.",
        ),
    ] = 4.0
    energy_in_manifest: Annotated[
        bool, Field(description="Write the energy used into the manifest; the ledger always records it.")
    ] = False

    block_on_notice: Annotated[
        bool,
        Field(description="Block an image as soon as a takedown notice arrives; otherwise once it is decided."),
    ] = True
    quarantine_days: Annotated[
        int,
        Field(ge=2, le=90, description="Days after which a block by an anonymous notice ends if nobody has decided."),
    ] = 7
    quarantine_limit: Annotated[
        int, Field(ge=0, description="Images that anonymous notices may block at once before anybody has decided.")
    ] = 100
    quarantine_per_address: Annotated[
        int, Field(ge=0, description="Images that anonymous notices from one address may block in a day.")
    ] = 5

    watermark_secret: Annotated[
        SecretStr | None,
        Field(description="Secret of the watermark, at least 16 bytes; unset: generated once in the home folder."),
    ] = None
    watermark_secrets_file: Annotated[
        Path | None,
        Field(description="File of watermark secrets, newest first, one per line; readable by its owner only."),
    ] = None
    watermark_key_pool: Annotated[
        int,
        Field(
            ge=1,
            le=16,
            description="Keys in the watermark's pool; never fewer than images were marked with.",
        ),
    ] = 4
    watermark_search: Annotated[
        Literal["fast", "usual", "thorough"],
        Field(description="How long the examiner looks for our watermark where there is no sign of one."),
    ] = "usual"
    foreign_watermarks: Annotated[
        bool,
        Field(description="Look for third-party watermarks: stock marks of generators, your own list, and plug-ins."),
    ] = True
    foreign_watermarks_file: Annotated[
        Path | None, Field(description="TOML file with more third-party messages to look for; see docs/watermark.md.")
    ] = None
    signing_certificates: Annotated[
        Path | None, Field(description="PEM certificate chain, leaf first; unset: a development PKI is generated.")
    ] = None
    signing_key: Annotated[Path | None, Field(description="PEM private key of the leaf certificate (PKCS#8).")] = None
    signing_algorithm: Annotated[
        Literal["es256", "es384", "ps256", "ed25519"], Field(description="COSE signing algorithm of the key.")
    ] = "es256"
    signing_pkcs12: Annotated[
        Path | None, Field(description="PKCS#12 file with key and chain, instead of the two PEM files.")
    ] = None
    signing_password_file: Annotated[
        Path | None, Field(description="File with the password of the PKCS#12 file, or the PIN of the PKCS#11 token.")
    ] = None
    signing_pkcs11_module: Annotated[
        Path | None, Field(description="PKCS#11 library of the device that holds the key (extra `hsm`).")
    ] = None
    signing_pkcs11_token: Annotated[str, Field(description="Label of the PKCS#11 token.")] = ""
    signing_pkcs11_key: Annotated[str, Field(description="Label of the private key on the PKCS#11 token.")] = ""
    signing_plugin: Annotated[
        str | None, Field(description="Name of an installed signer (entry point `countermark.signers`), such as a KMS.")
    ] = None
    timestamp_url: Annotated[
        str | None,
        Field(pattern=r"^https?://", description="RFC 3161 time-stamp authority; it gets the hash of each signature."),
    ] = None
    timestamp_timeout: Annotated[
        float, Field(gt=0, le=60, description="Seconds to wait for the time-stamp authority.")
    ] = 5.0
    timestamp_required: Annotated[
        bool, Field(description="Release nothing without a time-stamp; otherwise the decision says `untimestamped`.")
    ] = False
    credential_thumbnail: Annotated[
        int,
        Field(ge=0, le=1024, description="Longest side of the preview in each Content Credential, in pixels; 0: none."),
    ] = 0
    trust_anchors: Annotated[
        Path | None, Field(description="PEM file of CA certificates whose signatures count as trusted.")
    ] = None
    trust_lists: Annotated[
        Path | None,
        Field(description="TOML file of named trust lists for signers, time-stamps and identities; see docs/trust.md."),
    ] = None

    threshold_fpr: Annotated[
        float, Field(gt=0, lt=1, description="False-positive rate of `likely_synthetic`: 0.05 or 0.01.")
    ] = 0.05
    thresholds_file: Annotated[
        Path | None, Field(description="Threshold file written by `countermark benchmark`; unset: the model's own.")
    ] = None

    score_retention_days: Annotated[
        int,
        Field(
            ge=0,
            le=3650,
            description="Days to keep the classifiers' scores of examinations over HTTP, without the files, for "
            "`countermark monitor` and feedback; 0: none is recorded. See docs/detector.md.",
        ),
    ] = 0
    shadow_card: Annotated[
        str | None,
        Field(
            min_length=1,
            description="Name of a card whose model is on trial: its scores are recorded beside the active one's and "
            "are in no answer. Needs `score_retention_days`.",
        ),
    ] = None
    shadow_share: Annotated[
        float,
        Field(gt=0, le=1, allow_inf_nan=False, description="Share of the examinations that the model on trial sees."),
    ] = 0.1

    fetch_urls: Annotated[
        bool,
        Field(description="Let `verify`, `inspect` and `detect` fetch files from the web, from public addresses only."),
    ] = False
    max_bytes: Annotated[int, Field(ge=1024, description="Largest file accepted, in bytes.")] = 32 * MiB
    max_pixels: Annotated[int, Field(ge=4096, description="Largest image decoded, in pixels.")] = 64_000_000

    decode_timeout: Annotated[
        float, Field(gt=0, description="Seconds to decode an image, or to read its credential.")
    ] = 30.0
    parser_processes: Annotated[
        int,
        Field(
            ge=0,
            le=64,
            description="Processes in which files from outside are read; 0: in this process, without isolation, for "
            "files that you trust.",
        ),
    ] = min(4, os.cpu_count() or 1)
    parser_memory: Annotated[
        int,
        Field(
            ge=64 * MiB,
            description="Bytes of memory that all files being read at once may need; one that needs more is refused.",
        ),
    ] = 768 * MiB

    host: Annotated[str, Field(description="Address `serve` listens on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port `serve` listens on.")] = 8000
    metrics_port: Annotated[
        int | None,
        Field(ge=0, le=65535, description="Port on which `serve` answers /metrics for Prometheus; unset: none."),
    ] = None
    traces_endpoint: Annotated[
        str | None,
        Field(
            pattern=r"^https?://",
            description="Address of an OpenTelemetry collector (OTLP over HTTP) that `serve` sends traces to, such as "
            "`http://127.0.0.1:4318`; unset: none. Needs the extra `otel`.",
        ),
    ] = None
    metrics_host: Annotated[
        str, Field(description="Address for /metrics. Whoever reaches it may read it: it asks for no key.")
    ] = "127.0.0.1"
    allowed_hosts: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(_split),
        Field(
            description="Host names that clients may use for this server, comma-separated; `*.example.com` is every "
            "name below, `*` any. Loopback names and the address a request came to are always allowed."
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(_split),
        AfterValidator(_networks),
        Field(
            description="Addresses or networks of reverse proxies whose X-Forwarded-For is believed, comma-separated."
        ),
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(_split),
        Field(description="Origins whose pages may call the API from a browser, comma-separated; unset: none."),
    ] = ()
    max_connections: Annotated[
        int, Field(ge=1, le=100_000, description="Connections open at once; further ones are refused as `overloaded`.")
    ] = 1000
    connections_per_address: Annotated[
        int,
        Field(ge=0, le=100_000, description="The same for one address, unless it is a trusted proxy's; 0: any number."),
    ] = 500
    header_timeout: Annotated[
        float, Field(gt=0, le=600, description="Seconds in which the headers of a request have to arrive.")
    ] = 20.0
    body_timeout: Annotated[
        float,
        Field(
            gt=0,
            le=3600,
            description="Seconds in which the body has to arrive, and in which a response has to be taken.",
        ),
    ] = 120.0
    min_rate: Annotated[
        int,
        Field(
            ge=0,
            description="Bytes a second below which a body or response ends before `body_timeout`: it has 20 s and one "
            "more for every so many bytes; 0: no lowest rate.",
        ),
    ] = 8192
    idle_timeout: Annotated[
        float, Field(gt=0, le=3600, description="Seconds a connection stays open between two requests.")
    ] = 5.0
    body_memory: Annotated[
        int,
        Field(ge=1024, description="Bytes of request bodies in memory, of all requests; more are `overloaded`."),
    ] = 256 * MiB
    body_disk: Annotated[
        int,
        Field(
            ge=0, description="Bytes of unfinished bodies in temporary files, of all requests; more are `overloaded`."
        ),
    ] = 2048 * MiB
    examination_queue: Annotated[
        int,
        Field(ge=1, le=1000, description="Images that may wait to be examined; further ones are refused as `busy`."),
    ] = 32
    shutdown_timeout: Annotated[
        float,
        Field(
            gt=0,
            le=3600,
            description="Seconds that requests in progress have to end after SIGTERM; 5 s later the process ends.",
        ),
    ] = 20.0
    idempotency_hours: Annotated[
        float,
        Field(
            gt=0,
            le=720,
            description="Hours for which the answer to a request with an Idempotency-Key is kept, and given again.",
        ),
    ] = 24.0
    job_workers: Annotated[
        int,
        Field(ge=0, le=64, description="Jobs that one `serve` works on at once; 0: none, others on the same home do."),
    ] = 2
    job_queue: Annotated[
        int,
        Field(ge=1, le=100_000, description="Unfinished jobs that one tenant may have; more are refused as `busy`."),
    ] = 1000
    job_retention_hours: Annotated[
        float, Field(gt=0, le=720, description="Hours for which an ended job and its result are kept.")
    ] = 24.0
    webhook_private_addresses: Annotated[
        bool, Field(description="Let webhooks go to addresses that are not public, and without TLS.")
    ] = False
    batch_bytes: Annotated[
        int,
        Field(
            ge=1024,
            description="Bytes of all files of a batch to examine, as sent and as unpacked; at most `body_memory`.",
        ),
    ] = 128 * MiB
    work_lease: Annotated[
        float,
        Field(
            ge=1,
            le=3600,
            description="Seconds after which the work of a process that died is taken over; living ones renew it.",
        ),
    ] = 30.0
    requests_per_minute: Annotated[
        int,
        Field(
            ge=0,
            le=100_000,
            description="Requests a minute, per address and per case, to notices, appeals, enrolment and PINs; 0: any.",
        ),
    ] = 60
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Lowest severity that is logged.")
    ] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment alone: looking for files that nobody names takes as long again."""
        return init_settings, env_settings

    @model_validator(mode="after")
    def _signing_material_is_complete(self) -> "Settings":
        if not self.home.is_absolute() and str(self.home) in ("", "."):
            raise ValueError("home must name a folder")
        if (fault := self._signing_fault()) is not None:
            raise ValueError(fault)
        if self.public_verification and self.examiner_needs_key:
            raise ValueError("set public_verification or examiner_needs_key, not both: they are opposites")
        if self.watermark_secret is not None and len(self.watermark_secret.get_secret_value().encode()) < 16:
            raise ValueError("watermark_secret must be at least 16 bytes")
        if self.watermark_secret is not None and (text := self.watermark_secret.get_secret_value()) != text.strip():
            raise ValueError("watermark_secret must not begin or end with whitespace: a key file would strip it")
        if self.watermark_secret is not None and self.watermark_secrets_file is not None:
            raise ValueError("set watermark_secret or watermark_secrets_file, not both: put the secret into the file")
        return self

    def _signing_fault(self) -> str | None:
        """What does not go together in the settings of the signing key."""
        held = (self.signing_key, self.signing_pkcs12, self.signing_pkcs11_module, self.signing_plugin)
        ways = sum(each is not None for each in held)
        if ways > 1:
            return "set one of signing_key, signing_pkcs12, signing_pkcs11_module and signing_plugin"
        if (self.signing_pkcs12 is None) and (self.signing_certificates is None) != (ways == 0):
            return "signing_certificates and signing_key (or a device or plug-in) go together: set both or neither"
        if self.signing_pkcs12 is not None and self.signing_certificates is not None:
            return "signing_pkcs12 holds the certificates: leave signing_certificates out"
        if self.signing_pkcs11_module and not (self.signing_pkcs11_token and self.signing_pkcs11_key):
            return "signing_pkcs11_module needs signing_pkcs11_token and signing_pkcs11_key"
        if self.timestamp_required and self.timestamp_url is None:
            return "timestamp_required needs timestamp_url"
        return None


SECRETS = ("WATERMARK_SECRET", "MARK_SECRET", "DATABASE_URL")
"""Settings whose values are secrets, or may hold a password."""


def forget_secrets() -> None:
    """Remove secrets from this process's environment: whatever it starts from now on inherits none.

    Call it once the settings are read, in a process that reads them once. The system keeps the environment that the
    process was started with (`/proc/PID/environ`, readable by the same user); only a secret in a file is never there.
    """
    for name in SECRETS:
        os.environ.pop(PREFIX + name, None)


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        Misconfigured: a value is not valid, or a COUNTERMARK_* variable is not a setting (probably a typo).
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    old = {name for name in os.environ if name.removeprefix(PREFIX) in RENAMED and name.startswith(PREFIX)}
    unknown = sorted(
        name for name in os.environ.keys() - known - old if name.startswith(PREFIX) and not _SERVICE_LINK.search(name)
    )
    if unknown:
        raise Misconfigured(f"unknown setting: {', '.join(unknown)}")
    try:
        return Settings(**_renamed(old), **_uvicorns_proxies())
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        field = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise Misconfigured(f"{field.rstrip('_')}: {first['msg']}") from None


def _renamed(old: Iterable[str]) -> dict[str, Any]:
    """The values of settings that are set by their old names, by their new ones.

    Raises:
        Misconfigured: the new name is set, too.
    """
    values: dict[str, Any] = {}
    for name in sorted(old):
        new = PREFIX + RENAMED[name.removeprefix(PREFIX)]
        if new in os.environ:
            raise Misconfigured(f"{name} and {new} are both set", hint=f"Remove {name}, which is the old name.")
        warnings.warn(
            f"{name} is now {new}; the old name stops working in the next version", FutureWarning, stacklevel=3
        )
        values[new.removeprefix(PREFIX).lower()] = os.environ[name]
    return values


def _uvicorns_proxies() -> dict[str, Any]:
    """Trusted proxies as version 0.1 had them, by uvicorn's own variable."""
    name, new = "FORWARDED_ALLOW_IPS", f"{PREFIX}TRUSTED_PROXIES"
    if name not in os.environ or new in os.environ:
        return {}
    warnings.warn(f"{name} is now {new}; the old name stops working in the next version", FutureWarning, stacklevel=3)
    return {"trusted_proxies": os.environ[name].replace("*", "0.0.0.0/0,::/0")}
