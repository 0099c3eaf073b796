"""What a datastack folder holds, for people and programs: ``python -m localcave info DIR``."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from localcave.folder.writer import MANIFEST, read_manifest, segmentation_path, skeleton_path, table_path, view_path


def describe(folder: Path) -> dict[str, Any]:
    """The datastack of `folder` in one JSON-ready record.

    Keys: `datastack`, `description`, `made_by` (`demo`, `import`, `snapshot` or empty), `digest` (sha256 of the
    manifest), `bytes` (all files), `versions` (each with `version`, `time_stamp`, `expires_on`, `valid`, `tables`
    and `views` of `name`, `schema_type`, `reference_table`, `rows`, `bytes`), `segmentation` and `skeletons`
    (bytes, or null). Raises FileNotFoundError or ValueError as `read_manifest` does.
    """
    manifest = read_manifest(folder)
    return {
        "datastack": manifest["datastack"],
        "description": manifest["info"].get("description") or "",
        "made_by": manifest.get("source", {}).get("kind", ""),
        "digest": sha256_of(folder / MANIFEST),
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        "versions": [
            {
                **{key: version[key] for key in ("version", "time_stamp", "expires_on", "valid")},
                "tables": _tables(folder, manifest, version["version"]),
                "views": _views(folder, manifest, version["version"]),
            }
            for version in sorted(manifest["versions"], key=lambda v: v["version"])
        ],
        "segmentation": _size(segmentation_path(folder, "supervoxels.parquet")),
        "skeletons": _size(skeleton_path(folder)),
    }


def render(description: dict[str, Any]) -> str:
    """The record of :func:`describe` as a page of text."""
    lines = [description["datastack"], *([description["description"]] if description["description"] else [])]
    origin = f", made by {description['made_by']}" if description["made_by"] else ""
    lines += [f"{_human(description['bytes'])}{origin}, manifest sha256 {description['digest']}"]
    for version in description["versions"]:
        state = "" if version["valid"] else ", expired"
        lines += ["", f"version {version['version']} of {version['time_stamp']}{state}"]
        lines += [_row(entry) for entry in (*version["tables"], *version["views"])]
    lines += [""] * bool(description["segmentation"] or description["skeletons"])
    lines += [f"{_human(description[k]):>40}  {k}" for k in ("segmentation", "skeletons") if description[k]]
    return "\n".join(lines)


def damage(folder: Path) -> list[str]:
    """Files of a snapshot that are missing or are not those that were written; empty when all is well.

    Only a snapshot's manifest has digests: of other folders nothing can be said, and nothing is.
    """
    files: dict[str, Any] = read_manifest(folder).get("source", {}).get("files", {})
    written = {name: entry["sha256"] for name, entry in files.items() if "bytes" in entry}
    missing = [f"{name} is missing" for name in written if not (folder / name).is_file()]
    changed = [
        name for name, digest in written.items() if (folder / name).is_file() and sha256_of(folder / name) != digest
    ]
    return missing + [f"{name} is not the file that was written" for name in changed]


def sha256_of(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tables(folder: Path, manifest: dict[str, Any], version: int) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "schema_type": table["metadata"]["schema_type"],
            "reference_table": table["metadata"].get("reference_table"),
            "rows": table["row_count"],
            "bytes": sum(p.stat().st_size for p in _files_of(table_path(folder, version, name))),
        }
        for name, table in sorted(manifest["tables"].get(str(version), {}).items())
    ]


def _files_of(path: Path) -> list[Path]:
    """The main file, the copies in other orders and the overlay of one table."""
    return [p for p in (path, *path.parent.glob(f"{path.stem}.*.parquet")) if p.exists()]


def _views(folder: Path, manifest: dict[str, Any], version: int) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "schema_type": "view",
            "reference_table": None,
            "rows": view["row_count"],
            "bytes": _size(view_path(folder, version, name)) or 0,
        }
        for name, view in sorted(manifest["views"].get(str(version), {}).items())
    ]


def _row(entry: dict[str, Any]) -> str:
    to = f" -> {entry['reference_table']}" if entry["reference_table"] else ""
    return f"{entry['rows']:>14,} rows {_human(entry['bytes']):>12}  {entry['name']} ({entry['schema_type']}){to}"


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None


def _human(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
