#!/usr/bin/env python3
"""Checks catalog documents against their JSON Schema; without arguments, the examples.

Needs jsonschema (pip install jsonschema). Exit status 1 where a document does not fit, 2 where it cannot be read.
"""
import json
import pathlib
import sys

import jsonschema

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "manifests"


def schema_of(document: dict) -> dict:
    """The schema that the document's header names."""
    kind = str(document.get("format", "")).removeprefix("tessera.")
    path = FOLDER / f"{kind}.v{document.get('formatVersion')}.schema.json"
    if path.parent != FOLDER or not path.is_file():
        raise ValueError(f"no schema for format {document.get('format')!r}, version {document.get('formatVersion')!r}")
    schema = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def check(path: pathlib.Path) -> bool:
    """Prints the errors of one document; returns whether there are none."""
    document = json.loads(path.read_text())
    errors = list(jsonschema.Draft202012Validator(schema_of(document)).iter_errors(document))
    for error in errors:
        print(f"{path}: {error.json_path}: {error.message}")
    if not errors:
        print(f"{path}: fits")
    return not errors


def main() -> int:
    examples = [p for p in FOLDER.glob("*.json") if not p.name.endswith(".schema.json")]
    paths = [pathlib.Path(name) for name in sys.argv[1:]] or sorted(examples)
    try:
        results = [check(path) for path in paths]
    except (OSError, ValueError, AttributeError) as error:
        print(f"check-manifests: {error}", file=sys.stderr)
        return 2
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
