# Build: what uv.lock names, into an environment beside the source.
FROM python:3.12-slim AS build
RUN pip install --no-cache-dir 'uv>=0.9'
WORKDIR /srv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON=/usr/local/bin/python3 UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --no-install-project
COPY LICENSE README.md ./
COPY cds_service cds_service
COPY fhir_samples fhir_samples
RUN uv sync --locked --no-dev && python -m compileall -q cds_service && mkdir var

# Run: only that, as a user without rights. Off loopback a profile must be named; this is an image for production.
FROM python:3.12-slim
RUN useradd --system --no-create-home --home-dir /srv --shell /usr/sbin/nologin cno
COPY --from=build /srv /srv
RUN chown cno: /srv/var
WORKDIR /srv
USER cno
ENV PATH=/srv/.venv/bin:$PATH PYTHONUNBUFFERED=1 CNO_CDS_PROFILE=production
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["cno-cds", "serve", "--host", "0.0.0.0", "--port", "8000"]
