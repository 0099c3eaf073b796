"""HTTP API v1: the services, for programs. `blueprint` is mounted by the application."""

from api.routes import blueprint

__all__ = ["blueprint"]
