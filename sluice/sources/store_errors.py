"""What an object store's refusal means. obstore tells it as text only, which may quote the store's whole answer."""

import re
from glob import has_magic

from obstore import exceptions

from sluice.errors import RetryError, SetupError, SluiceError, SourceError
from sluice.sources.http_errors import RETRY_STATUS

ENVIRONMENT = {
    "s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SKIP_SIGNATURE=true for a public bucket), or name"
    " an Object Store Source block.",
    "gs": "Set GOOGLE_APPLICATION_CREDENTIALS (GOOGLE_SKIP_SIGNATURE=true for a public bucket), or name an Object"
    " Store Source block.",
    "az": "Set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or name an Object Store Source block.",
}
_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|specified bucket does not exist")
_REGION = re.compile(r"incorrectly configured region|AuthorizationHeaderMalformed|PermanentRedirect")
# Where a program asks the cloud's machine for its identity, as a last resort.
_NO_IDENTITY = re.compile(r"/latest/(api/token|meta-data)|/computeMetadata/|/metadata/identity")


def meaning(error: Exception, url: str) -> SluiceError:
    """The error to raise for what obstore raised while it read ``url``."""
    text = str(error)
    if _NO_IDENTITY.search(text):
        return SetupError(f"No credentials for {url} were found.", hint=_advice(url), url=url)
    if _REGION.search(text):
        hint = "Set AWS_REGION, or the block's region, to the bucket's own."
        return SetupError(f"{url} lies in another region than was asked.", hint=hint, url=url)
    if found := _STATUS.search(text):
        code = _CODE.search(text)
        return _refusal(int(found[1]), code[1] if code else "", text, url)
    if isinstance(error, exceptions.InvalidPathError | ValueError):
        hint = "Rename it: no part between two '/' may be empty, '.' or '..'."
        return SourceError(f"{url} holds an object whose key Sluice can't read.", hint=hint, url=url)
    return _unanswered(text, url)


def unusable(error: Exception, url: str, *, of_block: bool) -> SetupError:
    """The error for settings that make no store."""
    hint = "Correct the block's settings." if of_block else _advice(url)
    reason = str(error).splitlines()[0].removeprefix("Generic ").removesuffix(".")
    return SetupError(f"{url} can't be opened: {reason}.", hint=hint, url=url)


def _refusal(status: int, code: str, text: str, url: str) -> SluiceError:
    told = f"{status} {code}".strip()
    facts = {"url": url, "status": status, "code": code}
    if status in RETRY_STATUS:
        return RetryError(f"The store of {url} answered {told}.", hint="It has trouble; try later.", **facts)
    if status == 404:
        return _missing(text, url)
    if code == "RequestTimeTooSkewed":
        hint = "Set this machine's clock."
        return SetupError(f"The store of {url} says that the clock is wrong.", hint=hint, **facts)
    if status in (401, 403) or "Token" in code:
        message = f"{url} may not be read with these credentials ({told})."
        return SetupError(message, hint="Check the keys, and that they may read it.", **facts)
    hint = "Check the endpoint, the region and the bucket's name."
    return SetupError(f"The store of {url} refused the request ({told}).", hint=hint, **facts)


def _missing(text: str, url: str) -> SourceError:
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if _NO_BUCKET.search(text):
        hint = "Check its name and the endpoint."
        return SourceError(f"There is no bucket {scheme}://{bucket}.", hint=hint, url=url)
    hint = "Check bucket and key; a prefix ends in '/'."
    if has_magic(key):
        hint = "A pattern does not work here: name a prefix that ends in '/', or one object."
    return SourceError(f"{url} does not exist.", hint=hint, url=url)


def _unanswered(text: str, url: str) -> SluiceError:
    if "InvalidCertificate" in text:
        hint = "Install the right CA (SSL_CERT_FILE), or ask the server's owner to renew it."
        return SourceError(f"{url}: the server's certificate is not trusted.", hint=hint, url=url)
    if "InvalidMessage" in text:
        hint = "Does the server speak TLS there? If not, begin the endpoint with http://."
        return SourceError(f"{url}: no secure connection could be made.", hint=hint, url=url)
    if "body error" in text:
        hint = "Check the network; then try again."
        return RetryError(f"{url} broke off.", hint=hint, url=url)
    if "HTTP error" in text:
        hint = "Check the endpoint and the network; then try again."
        return RetryError(f"The store of {url} could not be reached.", hint=hint, url=url)
    hint = "Check the endpoint: is it the store's, not its website's?"
    return SetupError(f"What answered for {url} is no object store.", hint=hint, url=url)


def _advice(url: str) -> str:
    return ENVIRONMENT[url.partition("://")[0]]
