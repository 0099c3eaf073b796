"""HTTP API v1: the services, for programs. `blueprint` is mounted by the application."""

from api import table_routes  # noqa: F401 - adds its routes to the blueprint
from api.routes import blueprint

__all__ = ["blueprint"]
