"""Declarations beside the contracts: ``NAME.source.yaml`` says of an API what each dataset is read from."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sluice.errors import PolicyRefused, SetupError
from sluice.settings import settings
from sluice.sources.api.policy import SecurityPolicy
from sluice.sources.model import ApiSource
from sluice.sources.urls import without_secrets

ENDING = ".source.yaml"
_log = logging.getLogger(__name__)
_FIELDS = set(ApiSource.model_fields) - {"kind", "url"}
_KNOWN = _FIELDS | {"base_url", "endpoints"}
_OF_ENDPOINT = _FIELDS | {"path"}


def declared(file: Path) -> dict[str, ApiSource]:
    """The sources of a file, by the dataset that each is for. Raises SetupError.

    What stands beside ``base_url`` holds for all ``endpoints``: a mapping of datasets to what is their own, with the
    ``path`` after the base URL.
    """
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as cause:
        raise SetupError.of(cause, hint="Correct the declaration.", file=str(file)) from cause
    if not isinstance(told, dict) or not isinstance(told.get("endpoints"), dict) or "base_url" not in told:
        raise _wrong(file, "it needs `base_url` and `endpoints` (a dataset: what it is read from)")
    if unknown := sorted(map(str, told.keys() - _KNOWN)):
        raise _wrong(file, f"nobody knows {', '.join(unknown)}")
    shared = {name: value for name, value in told.items() if name in _FIELDS}
    return {
        str(dataset): _source(file, str(dataset), str(told["base_url"]), shared, own or {})
        for dataset, own in told["endpoints"].items()
    }


def _source(file: Path, dataset: str, base: str, shared: dict[str, Any], own: dict[str, Any]) -> ApiSource:
    if unknown := sorted(map(str, own.keys() - _OF_ENDPOINT)):
        raise _wrong(file, f"{dataset}: nobody knows {', '.join(unknown)}")
    path = str(own.get("path", ""))
    merged = {**shared, **{name: value for name, value in own.items() if name != "path"}}
    for name in ("params", "headers", "options"):
        merged[name] = {
            key: str(value) for key, value in {**shared.get(name, {}), **own.get(name, {})}.items()
        }
    url = f"{base.rstrip('/')}/{path.lstrip('/')}" if path else base
    if isinstance(policy := merged.get("security"), dict) and policy.get("ca"):
        merged["security"] = {**policy, "ca": str(file.resolve().parent / str(policy["ca"]))}
    try:
        return ApiSource.model_validate({**merged, "url": url})
    except ValidationError as cause:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in cause.errors())
        raise _wrong(file, f"{dataset}: {said}") from None


def of_dataset(file: Path, dataset: str) -> ApiSource:
    """The source of the file that is for this dataset. Raises SetupError."""
    found = declared(file)
    if dataset not in found:
        raise _wrong(file, f"it has no endpoint for {dataset}, but for {', '.join(sorted(found))}")
    return found[dataset]


def of_url(url: str) -> tuple[str, ApiSource] | None:
    """The dataset and the source that are declared for this endpoint in the contract folders; None if none is."""
    wanted = without_secrets(url).rstrip("/")
    found = ((dataset, source) for dataset, source in _all() if source.label.rstrip("/") == wanted)
    return next(found, None)


def of_policies(dataset: str = "") -> list[tuple[str, ApiSource]]:
    """The declared sources with a security policy, with their datasets; of one dataset, if it is named."""
    return [(name, source) for name, source in _all() if source.security and (not dataset or name == dataset)]


def with_policy(dataset: str) -> ApiSource:
    """The one source that is declared for the dataset with a security policy. Raises SetupError."""
    found = [source for _, source in of_policies(dataset)]
    if len(found) != 1:
        raise SetupError(
            f"{len(found)} sources with a security policy are declared for {dataset}, where one is needed.",
            hint=f"Declare one with `security` in a NAME{ENDING} in SLUICE_CONTRACTS, or name the source.",
            dataset=dataset,
        )
    return found[0]


def policy_of(source: ApiSource) -> SecurityPolicy | None:
    """What the source must keep to: the policy that is declared for its URL, whoever asks; else its own, if any."""
    wanted = source.label.rstrip("/")
    found = (one.security for _, one in of_policies() if one.label.rstrip("/") == wanted)
    return next(found, source.security)


def require_no_policy(url: str) -> None:
    """Raise PolicyRefused for a URL that is declared as an API with a security policy, and so is read as that only."""
    shown = without_secrets(url).rstrip("/")
    if any(one.label.rstrip("/") == shown for _, one in of_policies()):
        raise PolicyRefused(
            f"{shown} is declared as an API with a security policy.",
            hint="Load it as that: by the flow secure-api-ingestion, or by its NAME.source.yaml.",
            url=shown,
        )


def _all() -> Iterator[tuple[str, ApiSource]]:
    for folder in settings().contract_dirs:
        for file in sorted(folder.glob(f"*{ENDING}")) if folder.is_dir() else ():
            try:
                yield from declared(file).items()
            except SetupError as wrong:  # who loads by it is told; the others shall not suffer
                _log.warning("%s", wrong)


def _wrong(file: Path, what: str) -> SetupError:
    return SetupError(f"{file.name}: {what}.", hint="See docs/apis.md.", file=str(file))
