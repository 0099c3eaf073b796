"""The application: `create_app`, and `server` for gunicorn."""

from __future__ import annotations

from pathlib import Path

import dash

import api
import callbacks  # noqa: F401 - importing registers them
from api import headers, health, old_links, request_log
from api.answers import crash_answer
from api.headers import digest
from callbacks.errors import on_error
from components.shell import INDEX, META_TAGS, shell
from services.cave.client import Cave
from services.core.settings import Settings
from services.neuroglancer import bundled_viewer

ASSETS = Path(__file__).parent / "assets"


def create_app(settings: Settings) -> dash.Dash:
    """The whole application over the CAVE of `settings`, ready to serve."""
    assets = f"assets/{digest(ASSETS)}"
    app = dash.Dash(
        __name__,
        assets_url_path=assets,
        title="Karst",
        update_title="",
        use_pages=True,
        compress=True,
        index_string=INDEX.replace("{assets}", f"/{assets}"),
        meta_tags=META_TAGS,
        suppress_callback_exceptions=True,
        assets_ignore=r"^(boot|plotly-strict\.min)\.js$",
        on_error=on_error,
    )
    pages = [page for page in dash.page_registry.values() if page["order"] in (1, 2, 3)]
    app.layout = shell([(page["name"], page["path"]) for page in pages])
    app.server.secret_key = settings.secret_key
    app.server.extensions["karst"] = Cave(settings)
    for blueprint in (api.blueprint, health.blueprint, old_links.blueprint, bundled_viewer.create_blueprint()):
        app.server.register_blueprint(blueprint)
    app.server.register_error_handler(Exception, crash_answer)
    headers.secure(app.server, app.csp_hashes)
    headers.keep(app.server, f"/{assets}/")
    request_log.observe(app.server)
    with app.server.test_client() as client:
        client.get("/")  # Dash finishes its own set-up in the first request, and until then fails others
    return app


server = create_app(Settings.from_env()).server
