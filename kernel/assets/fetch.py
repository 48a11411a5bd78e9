"""Fetches one file of a package index, and goes on where an earlier run was cut off, which pip does not.

    fetch.py INDEX PROJECT FILE PART

PART grows to FILE's content; whether that is right is for the caller to say. Whatever cannot be done here (an index
that wants a name and a password, say) ends with an exit status other than 0, and pip may try.
"""

import html
import http.client
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

PATIENCE = 60  # seconds without a byte
RETRIES = 5  # in a row, none of which brought anything
BLOCK = 1 << 20


def address(index, project, file):
    """Where the index says that the file is."""
    page = f"{index.rstrip('/')}/{project}/"
    request = urllib.request.Request(page, headers={"Accept": "application/vnd.pypi.simple.v1+html, text/html"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        page, text = answer.url, answer.read().decode()
    for link in re.findall(r"""href\s*=\s*["']([^"']+)["']""", text):
        link = urllib.parse.urljoin(page, html.unescape(link)).partition("#")[0]
        if urllib.parse.unquote(link).endswith(f"/{file}"):
            return link
    raise SystemExit(f"{page} does not name {file}")


def fetch(url, part):
    """Appends to the part what it lacks."""
    have = os.path.getsize(part) if os.path.exists(part) else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing lies beyond what is there
            return
        raise
    # A server that knows nothing of ranges begins at the beginning.
    with answer, open(part, "ab" if answer.status == 206 else "wb") as file:
        length = answer.headers.get("Content-Length")
        missing = int(length) if length else None
        while block := answer.read(BLOCK):
            file.write(block)
            missing = missing and missing - len(block)
    if missing:
        raise http.client.IncompleteRead(b"", missing)


def main(index, project, file, part):
    url = address(index, project, file)
    failures, have = 0, -1
    while True:
        try:
            return fetch(url, part)
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            before, have = have, os.path.getsize(part) if os.path.exists(part) else 0
            failures = 0 if have > before else failures + 1
            if isinstance(error, urllib.error.HTTPError) or failures >= RETRIES:
                raise
            time.sleep(2**failures / 4)


if __name__ == "__main__":
    main(*sys.argv[1:])
