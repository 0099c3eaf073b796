"""How the application is served, on a laptop as in a container: `gunicorn app:server`."""

import os

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8050')}"
worker_class = "gthread"  # a request mostly waits for CAVE
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
preload_app = True  # memory is shared, and no worker answers before the app is whole
control_socket_disable = True
timeout = 120
limit_request_line = 8190  # an address holds a whole view
max_requests = 2000
max_requests_jitter = 200
if os.path.isdir("/dev/shm"):  # a heartbeat file on a slow disk looks like a dead worker
    worker_tmp_dir = "/dev/shm"
