"""HTTP API v1: the services, for programs. `blueprint` is mounted by the application."""

from api import cell_routes, change_routes, several_routes, table_routes  # noqa: F401 - add their routes
from api.routes import blueprint

__all__ = ["blueprint"]
