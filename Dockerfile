FROM python:3.11-slim AS build
WORKDIR /karst
COPY requirements.txt requirements.lock ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -r requirements.txt -c requirements.lock

FROM python:3.11-slim
# a volume at /data belongs to whom the folder does
RUN useradd karst && mkdir -p /karst/.data /data && chown karst /karst/.data /data
COPY --from=build /venv /venv
WORKDIR /karst
COPY . .
USER karst

# Without CAVE_SERVER_ADDRESS the container has no data: see docs/operator-guide.md.
# cloud-volume makes a folder in HOME or does not start; /tmp can be written in a read-only container, too.
ENV PATH=/venv/bin:$PATH HOME=/tmp HOST=0.0.0.0 PORT=8050 PYTHONUNBUFFERED=1
EXPOSE 8050
HEALTHCHECK CMD python -c "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=3)"
CMD ["gunicorn", "app:server"]
