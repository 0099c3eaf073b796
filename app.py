"""The application: `create_app`, and `server` for gunicorn."""

from __future__ import annotations

import argparse
import logging.config
import sys
from collections.abc import Sequence
from pathlib import Path

import dash

import api
import callbacks  # noqa: F401 - importing registers them
from api import early, headers, health, identity, joined, limits, old_links, rates, request_log, search, sign_in
from api.answers import crash_answer
from api.headers import digest
from callbacks import guard
from callbacks.errors import on_error
from components import grid
from components.shell import INDEX, META_TAGS, shell
from services.cave.servers import open_cave
from services.core import logs
from services.core.errors import KarstError
from services.core.settings import Settings
from services.neuroglancer import bundled_viewer
from services.populations import jobs
from services.views import datastack_check

ASSETS = Path(__file__).parent / "assets"
NOT_FOUND = "/not-found-404"
"""Where Dash has the page of all paths that are of none."""


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
        index_string=INDEX.replace("{assets}", f"/{assets}").replace("{grid}", grid.script()),
        meta_tags=META_TAGS,
        suppress_callback_exceptions=True,
        assets_ignore=".*",  # INDEX names them
        on_error=on_error,
    )
    pages = [page for page in dash.page_registry.values() if page["order"] in (1, 2, 3, 4)]
    named = [(page["name"], page["path"]) for page in pages]
    app.layout = (lambda: shell(named, *identity.account(settings))) if settings.auth == "person" else shell(named)
    app.server.secret_key = settings.secret_key
    app.server.extensions["karst"] = open_cave(settings)
    for module in (api, health, old_links, search, sign_in):
        app.server.register_blueprint(module.blueprint)
    app.server.register_blueprint(bundled_viewer.create_blueprint())
    app.server.register_error_handler(Exception, crash_answer)
    headers.secure(app.server, app.csp_hashes)
    headers.keep(app.server, f"/{assets}/")
    headers.refuse_unknown(app.server, {page["path"] for page in dash.page_registry.values()} - {NOT_FOUND})
    joined.serve(app.server, ASSETS, f"/{assets}")
    request_log.observe(app.server)
    identity.identify(app.server, settings)
    rates.limit_rates(app.server, settings)
    limits.limit(app.server, settings.max_waiting)
    early.begin_early(app.server)
    guard.install(app)
    with app.server.test_client() as client:
        client.get("/")  # Dash finishes its own set-up in the first request, and until then fails others
    return app


def main(words: Sequence[str]) -> int:
    """`python app.py --check [DATASTACK]`, `--scaffold DATASTACK` or `--work`; the exit status."""
    parser = argparse.ArgumentParser(prog="python app.py", description="To serve Karst, run gunicorn app:server.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", nargs="?", const="", metavar="DATASTACK", help="which table has which role, and why")
    what.add_argument("--scaffold", metavar="DATASTACK", help="write a profile of a datastack to begin with")
    what.add_argument("--work", action="store_true", help="read what takes long, for the applications with this cache")
    options = parser.parse_args(words)
    try:
        cave = open_cave(Settings.from_env())
        if options.work:
            logging.config.dictConfig(logs.config())
            jobs.Jobs(cave).work()
            return 0
        if options.scaffold:
            print(f"Wrote {datastack_check.write_scaffold(cave, options.scaffold)}")
            return 0
        report = datastack_check.check(cave, options.check or cave.settings.datastack)
    except (KarstError, ValueError) as error:
        print(f"karst: {error}", file=sys.stderr)
        return 2
    print(report.text)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
server = create_app(Settings.from_env()).server
