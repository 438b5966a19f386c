"""kill -9 while objects are uploaded again: run again, each is there, and none was uploaded twice."""

from __future__ import annotations

import itertools

from ops import errors
from ops.incident_storage_uploads import Uploads
from tests.faults import uploaded
from tests.fix_storage_site import FILES, Site
from tests.polling import wait_until

KILLED = -9
EVERY = 3
LOST = [("evidence", "a.txt"), ("evidence", "docs/b c.txt"), ("ebooks", "book.txt")]
OPEN = (
    "select count(*), count(*) filter (where state in ('planned', 'begun')) from runbooks.storage_uploads"
    " where outcome is null"
)


def again(site: Site) -> Uploads:
    """Run it again, once the server has noticed that the killed session is gone."""
    ended: list[Uploads] = []

    def done() -> bool:
        try:
            ended.append(uploaded.upload(site.project))
        except errors.Refused as error:
            if "Another run is working" not in str(error):
                raise
            return False
        return True

    wait_until(done, seconds=60)
    return ended[0]


def test_killed_at_every_few_things_it_sends_each_object_is_uploaded_once(storage_site: Site):
    site, killed, continued, unended = storage_site, 0, 0, 0
    for number in itertools.count(1, EVERY):
        for key in LOST:
            site.storage.file(*key).unlink()
        before = site.storage.uploads
        code = uploaded.run(site.project, at=number)
        killed += code == KILLED
        began = code == KILLED and site.sql("select to_regclass('runbooks.storage_uploads') is not null") == [
            (True,)
        ]
        planned, left = site.sql(OPEN)[0] if began else (0, 0)
        is_whole = site.bytes() == FILES
        found = again(site)
        continued += bool(left)
        unended += bool(planned) and not left
        fresh = 0 if is_whole else len(LOST)
        assert len(found.items) == (left if planned else fresh), f"after {number}"
        assert site.bytes() == FILES, f"not whole after {number}"
        assert site.storage.uploads - before == len(LOST), f"not once each after {number}"
        assert site.sql(OPEN) == [(0, 0)]
        if code == 0:
            break
    assert killed > 6
    assert continued > 4
    assert unended > 2
