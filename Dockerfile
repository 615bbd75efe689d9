# Countermark as a service. EXTRAS="" is the plain install with the embedded image model, without torch;
# --build-arg EXTRAS="[generate]" adds diffusers and torch. PostgreSQL's driver is always there.
#
# The base is pinned by digest. scripts/pin-base looks up the present digest of the tag and writes it here.
# --build-arg BASE=IMAGE takes another one: of a mirror, or any with Python 3.11 or newer as `python`.
ARG BASE=python:3.12.12-slim-bookworm@sha256:593bd06efe90efa80dc4eee3948be7c0fde4134606dd40d8dd8dbcade98e669c
FROM ${BASE} AS build
ARG EXTRAS=""
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY requirements requirements
COPY service service
COPY detectors detectors
COPY watermark watermark
COPY models models
RUN python -m venv /opt/countermark
ENV PATH=/opt/countermark/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Every file is checked by its hash. The last line installs Countermark alone, so an extra that no lock covers fails
# at `pip check` instead of being fetched unchecked.
# hadolint ignore=DL3013
RUN case "${EXTRAS}" in *generate*) lock=generate ;; *) lock=plain ;; esac \
    && pip install --require-hashes --no-deps -r "requirements/${lock}.lock" -r requirements/postgresql.lock \
    && { [ "${lock}" = plain ] || pip install --require-hashes --no-deps -r requirements/torch-cpu.lock \
         || pip install --require-hashes --no-deps -r requirements/torch.lock; } \
    && pip install --no-deps --no-build-isolation ".${EXTRAS}" \
    && pip check

FROM ${BASE}
RUN useradd --system --uid 10001 --create-home --home-dir /data countermark
COPY --from=build /opt/countermark /opt/countermark
# 0.0.0.0 is every address of the container. `serve` refuses it until there is a tenant, or with --open.
ENV PATH=/opt/countermark/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    COUNTERMARK_HOME=/data \
    COUNTERMARK_HOST=0.0.0.0
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('COUNTERMARK_PORT', '8000') + '/readyz', timeout=4)"]
CMD ["countermark", "serve"]
