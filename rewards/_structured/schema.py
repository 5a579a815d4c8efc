"""JSON Schema validators, compiled once per schema and never going to the network."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs

from rlstack.rewards._structured.draft3 import FORMATS as DRAFT3_FORMATS
from rlstack.rewards._structured.draft3 import META, as_draft4, is_draft3, meta_schema

CACHE_SIZE = 512

_DRAFTS: dict[str, Any] = {
    "draft3": jsonschema_rs.Draft4Validator,  # after translation
    "draft4": jsonschema_rs.Draft4Validator,
    "draft6": jsonschema_rs.Draft6Validator,
    "draft7": jsonschema_rs.Draft7Validator,
    "draft2019-09": jsonschema_rs.Draft201909Validator,
    "draft2020-12": jsonschema_rs.Draft202012Validator,
}
DRAFTS = tuple(_DRAFTS)
# Backtracking is bounded: a crafted instance for a pattern with look-around ends in "no match", not in a hang.
_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)
_cache: OrderedDict[tuple[str, str | None, bool | None], Any] = OrderedDict()


class SchemaError(ValueError):
    """The schema itself is not valid in its draft, or refers to what is not at hand."""


def validator(
    schema: Mapping[str, Any] | bool,
    draft: str | None = None,
    formats: bool | None = None,
    remotes: Mapping[str, Any] | None = None,
) -> Any:
    """A compiled validator with `is_valid(instance)` and `iter_errors(instance)`.

    `draft` is one of draft3, draft4, draft6, draft7, draft2019-09, draft2020-12 (the default) and counts only where the
    schema has no `$schema`. `formats` asserts or ignores `format`; None does as the draft says.
    `remotes` maps URIs to further schemas; the meta-schemas of all drafts are built in, everything else is
    refused rather than fetched. Raises `SchemaError`.
    """
    if remotes:
        return _compiled(schema, draft, formats, remotes)
    key = (json.dumps(schema, sort_keys=True, default=repr), draft, formats)
    found = _cache.get(key)
    if found is None:
        found = _compiled(schema, draft, formats, None)
        _cache[key] = found
        if len(_cache) > CACHE_SIZE:
            _cache.popitem(last=False)
    else:
        _cache.move_to_end(key)
    return found


def validates(
    schema: Mapping[str, Any] | bool,
    instance: Any,
    draft: str | None = None,
    *,
    formats: bool | None = None,
    remotes: Mapping[str, Any] | None = None,
) -> bool:
    """Whether an instance is valid under a schema; arguments as for `validator`."""
    return bool(validator(schema, draft, formats, remotes).is_valid(instance))


def _compiled(schema: Any, draft: str | None, formats: bool | None, remotes: Mapping[str, Any] | None) -> Any:
    if draft is not None and draft not in DRAFTS:
        raise SchemaError(f"unknown draft '{draft}'; known: {', '.join(DRAFTS)}")
    named = isinstance(schema, Mapping) and "$schema" in schema
    options: dict[str, Any] = {"validate_formats": formats, "pattern_options": _PATTERNS}
    make: Any = jsonschema_rs.validator_for if named else _DRAFTS[draft or "draft2020-12"]
    if is_draft3(schema) or (draft == "draft3" and not named):
        schema = as_draft4(schema)
        remotes = {**{uri: as_draft4(one) for uri, one in (remotes or {}).items()}, META: meta_schema()}
        options["formats"] = dict(DRAFT3_FORMATS)
    try:
        # A retriever, not a registry: it is asked for what is referred to, so unused remotes need not be complete.
        return make(schema, **options, retriever=_only(remotes)) if remotes else make(schema, **options, offline=True)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError) as error:
        raise SchemaError(str(error).split("\n", 1)[0][:300]) from None


def _only(remotes: Mapping[str, Any]) -> Callable[[str], Any]:
    def retrieve(uri: str) -> Any:
        found = remotes.get(uri.rstrip("#"), remotes.get(uri))
        if found is None:
            raise SchemaError(f"{uri} is not among the given schemas")
        return found

    return retrieve
