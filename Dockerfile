# Countermark as a service. EXTRAS="" serves the examiner alone, without torch (a few hundred MB);
# --build-arg EXTRAS="[generate]" adds the gateway's renderer.
FROM python:3.12-slim AS build
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
# What the lock lists is checked by its hash; an extra it does not cover is fetched by the last line, unchecked.
# hadolint ignore=DL3013
RUN case "${EXTRAS}" in *generate*) lock=generate ;; *) lock=plain ;; esac \
    && pip install --require-hashes --no-deps -r "requirements/${lock}.lock" \
    && { [ "${lock}" = plain ] || pip install --require-hashes --no-deps -r requirements/torch-cpu.lock \
         || pip install --require-hashes --no-deps -r requirements/torch.lock; } \
    && pip install --no-build-isolation ".${EXTRAS}"

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home --home-dir /data countermark
COPY --from=build /opt/countermark /opt/countermark
ENV PATH=/opt/countermark/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    COUNTERMARK_HOME=/data \
    COUNTERMARK_HOST=0.0.0.0
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["countermark", "serve"]
