# Countermark as a service. EXTRAS="" serves the examiner alone, without torch (a few hundred MB);
# --build-arg EXTRAS="[generate]" adds the gateway's renderer.
FROM python:3.12-slim AS build
ARG EXTRAS=""
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY service service
COPY detectors detectors
COPY watermark watermark
COPY models models
RUN python -m venv /opt/countermark \
    && /opt/countermark/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt ".${EXTRAS}"

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
