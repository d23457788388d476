"""The OpenAPI document as a file, from which the types of the web UI are made.

No node runs for it: the routers alone make the document, so whatever they would be served with is left blank.
"""

import json
from types import SimpleNamespace
from typing import Any, cast

from stationmaster import __version__
from stationmaster.api.application import build_api
from stationmaster.api.context import ApiContext

__all__ = ["openapi_document"]


class _Blank:
    """Has every attribute, and each of them is as blank as itself."""

    def __getattr__(self, name: str) -> Any:
        return _Blank()


def openapi_document() -> str:
    """The document as indented JSON."""
    context = SimpleNamespace(node=SimpleNamespace(version=__version__), settings=_Blank(), services=_Blank())
    document = build_api(cast("ApiContext", context)).openapi()
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
