"""HTTP API: the services, for programs. `blueprint` is mounted by the application: version 1, and what every address
below /api has in common."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from api import (  # noqa: F401 - add their routes
    arbor_routes,
    cell_routes,
    change_routes,
    population_analyses,
    population_routes,
    routes,
    several_routes,
    table_routes,
)
from api.answers import crash_answer, error_answer
from services.core.errors import BadInput, KarstError, NotFound

__all__ = ["blueprint"]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

blueprint = Blueprint("api", __name__, url_prefix="/api")
blueprint.register_blueprint(routes.blueprint)
blueprint.register_error_handler(KarstError, error_answer)


@blueprint.errorhandler(Exception)
def _unforeseen(error: Exception) -> Response | HTTPException:
    if isinstance(error, HTTPException):
        return error_answer(BadInput(error.description or "The request cannot be understood."))
    return crash_answer(error)


@blueprint.route("/", defaults={"rest": ""}, methods=METHODS, strict_slashes=False)
@blueprint.route("/<path:rest>", methods=METHODS)
def no_route(rest: str) -> Response:
    """Everything else."""
    raise NotFound(f"There is nothing at {request.method} {request.path[:80]}.", "Check the address and the method.")
