"""HTTP API: the services, for programs. `blueprint` is mounted by the application: version 1, and what every address
below /api has in common."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException

from api import (  # noqa: F401 - add their routes
    arbor_routes,
    cell_routes,
    change_routes,
    converters,
    openapi,
    population_analyses,
    population_routes,
    routes,
    several_routes,
    table_routes,
)
from api.answers import crash_answer, error_answer
from services.core.errors import BadInput, KarstError, NotFound, WrongMethod

__all__ = ["blueprint"]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

blueprint = Blueprint("api", __name__, url_prefix="/api")
blueprint.record_once(converters.register)
blueprint.register_blueprint(routes.blueprint)
blueprint.register_error_handler(KarstError, error_answer)


@blueprint.errorhandler(Exception)
def _unforeseen(error: Exception) -> Response | HTTPException:
    if isinstance(error, HTTPException) and error.response is None:
        return error_answer(BadInput(error.description or "The request cannot be understood."))
    return crash_answer(error)


@blueprint.route("/", defaults={"rest": ""}, methods=METHODS, strict_slashes=False)
@blueprint.route("/<rest:rest>", methods=METHODS)
def no_route(rest: str) -> Response:
    """Everything else."""
    if allowed := [method for method in METHODS if _has_route(method)]:
        words = " or ".join(allowed)
        raise WrongMethod(f"{request.path[:80]} does not answer {request.method}.", f"Ask by {words}.", allowed=allowed)
    raise NotFound(f"There is nothing at {request.method} {request.path[:80]}.", "Check the address and the method.")


def _has_route(method: str) -> bool:
    rule, _ = current_app.url_map.bind("").match(request.path, method=method, return_rule=True)
    return bool(rule.endpoint != request.endpoint)
