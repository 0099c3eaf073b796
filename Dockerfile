FROM python:3.11-slim

WORKDIR /karst
COPY requirements.txt requirements.lock ./
RUN pip install --no-cache-dir -r requirements.txt -c requirements.lock

COPY . .
RUN useradd --create-home karst && mkdir .data && chown karst .data
USER karst

# Without CAVE_SERVER_ADDRESS the container has no data: see docs/operator-guide.md.
ENV HOST=0.0.0.0 PORT=8050 PYTHONUNBUFFERED=1
EXPOSE 8050
HEALTHCHECK CMD python -c "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=3)"
CMD ["gunicorn", "app:server"]
