# Two stages: the first has pip and the lock, the second only Python, the packages and the gateway. Runs as nobody's root.
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv .venv \
 && .venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements.lock

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin gateway \
 && install -d -o gateway -g gateway /app /app/var
WORKDIR /app
COPY --from=build /app/.venv ./.venv
COPY gateway ./gateway
COPY adapters ./adapters
COPY notifiers ./notifiers
COPY config ./config
USER gateway
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 GATEWAY_HOST=0.0.0.0 GATEWAY_PORT=8080 GATEWAY_LOG_FORMAT=json
EXPOSE 8080
VOLUME ["/app/var"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD [".venv/bin/python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"GATEWAY_PORT\"]}/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT [".venv/bin/python", "-m", "gateway"]
CMD ["serve"]
