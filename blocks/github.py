"""The block that keeps a token for GitHub."""

import httpx
from pydantic import Field, SecretStr

from blocks.sources import HttpSource
from sluice.settings import settings
from sluice.sources.model import GITHUB


class GitHubSource(HttpSource):
    """GitHub, or a GitHub Enterprise server, with a token.

    A fine-grained token needs to read metadata and issues of the repositories. It is sent to this server only,
    whatever it redirects to.

    Example:
        ```python
        from blocks import GitHubSource

        GitHubSource(token="github_pat_...").save("github")
        ```
    """

    _block_type_name = "GitHub Source"
    _block_type_slug = "github-source"

    base_url: str = Field(
        default=GITHUB,
        pattern=r"^https?://[^/]",
        title="API URL",
        description="The API: of GitHub itself, or https://HOST/api/v3 of GitHub Enterprise.",
    )
    token: SecretStr | None = Field(
        default=None, description="Personal access token; without one only what is public can be read."
    )

    def is_of(self, url: str) -> bool:
        """Whether the URL is of this server."""
        return self._at_home(httpx.Request("GET", url))


def environment() -> GitHubSource | None:
    """The block that ``SLUICE_GITHUB_TOKEN`` stands for, if there is one."""
    given = settings()
    if given.github_token is None:
        return None
    return GitHubSource(base_url=given.github_api_url, token=given.github_token)
