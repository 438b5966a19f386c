"""An incident of Storage that is made, on a real database and a server shaped by the published API, and mended."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import storage3
from psycopg import conninfo

from cli import storage as command
from flows.incident_storage import incident_storage
from ops import (
    audit_store,
    errors,
    incident_storage_act,
    incident_storage_end,
    incident_storage_signed,
    incident_storage_uploads,
    secrets,
    storage_client,
    storage_contract,
    storage_digests,
    storage_folder,
)
from ops import incident_storage as operations
from ops.checked import Checked, Reported
from ops.incident_storage import Act
from ops.incident_storage_uploads import Uploads
from ops.storage_settings import FileStorage
from tests import fix_restored, fix_storage, fix_switch
from tests.fix_storage_site import FILES, WHY, Site

APPROVED, REJECTED = ("approve", "ada", ""), ("reject", "ada", "not yet")


@pytest.fixture
def site(storage_site: Site) -> Site:
    return storage_site


def kinds(found: Checked) -> set[str]:
    return {each.kind for each in found.report.findings}


def the(found: Checked, kind: str) -> Reported:
    (one,) = [each for each in found.report.findings if each.kind == kind]
    return one


def kept(found: Checked, name: str) -> Any:
    return json.loads(Path(found.bundle or "", name).read_text("utf-8"))


def states(found: Checked) -> dict[str, str]:
    return {each.about: each.state for each in found.report.looks}


def test_where_all_is_well_nothing_is_found(site: Site):
    found = site.look()
    assert (kinds(found), found.verdict) == (set(), "passed")
    looked = {"buckets and policies", "objects", "signed URLs", "backup", "recent migrations"}
    assert states(found).keys() >= looked
    said = {each.about: (each.state, each.said) for each in found.report.looks}
    assert said["objects"] == (
        "well",
        "All 5 objects that were asked for are in their buckets, and 5 that were read whole are as they were uploaded.",
    )
    assert said["signed URLs"][0] == "well"
    assert "5 objects were signed and fetched; 4 of private buckets were refused" in said["signed URLs"][1]
    assert states(found)["lifecycle"] == "idle"
    assert site.storage.uploads == 0


LOST: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (Path.unlink, "storage-object-missing"),
    "cut off": (lambda path: path.write_bytes(b"t"), "storage-object-size"),
    "other bytes": (lambda path: path.write_bytes(b"TWO"), "storage-object-changed"),
}


@pytest.mark.parametrize("how", LOST)
def test_what_is_lost_is_found_uploaded_once_and_gone(site: Site, monkeypatch: pytest.MonkeyPatch, how: str):
    harm, kind = LOST[how]
    before = site.sql(
        "select name, owner_id, user_metadata, metadata - 'lastModified' from storage.objects order by 1"
    )
    harm(site.storage.file("evidence", "docs/b c.txt"))
    found = site.look()
    assert kinds(found) == {kind}
    assert "docs/b c.txt" in the(found, kind).said
    assert found.verdict == "failed"

    fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        site.look(Act.RE_UPLOAD)
    assert site.storage.uploads == 0

    asked = fix_restored.answering(monkeypatch, APPROVED)
    done = site.look(Act.RE_UPLOAD)
    assert done.ok, done.summary
    assert "Upload 1 objects (3 bytes)" in asked[0]
    assert (site.storage.uploads, site.bytes()) == (1, FILES)
    said = kept(done, "re-upload.json")
    assert [(each["object"], each["state"]) for each in said["objects"]] == [
        ("evidence/docs/b c.txt", "uploaded")
    ]
    assert said["approved"]["by"] == ["ada"]
    after = site.sql(
        "select name, owner_id, user_metadata, metadata - 'lastModified' from storage.objects order by 1"
    )
    assert after == before, "owner, own metadata, kind and cache control are as they were"

    assert kinds(site.look()) == set()
    fix_restored.answering(monkeypatch)
    assert site.look(Act.RE_UPLOAD).ok, "nothing is to be done, so nobody is asked"
    assert site.storage.uploads == 1


def test_the_hosted_login_that_is_no_superuser_is_enough(
    site: Site, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    (site.project.parent / "dsn").write_text(shaped)
    assert "unseen" not in states(site.look()).values()
    site.storage.file("evidence", "a.txt").unlink()
    fix_restored.answering(monkeypatch, APPROVED)
    assert site.look(Act.RE_UPLOAD).ok
    assert (site.storage.uploads, site.bytes()) == (1, FILES)


def test_a_copy_of_the_file_backends_own_folder_is_a_backup_too(site: Site, monkeypatch: pytest.MonkeyPatch):
    shutil.rmtree(site.backup)
    shutil.copytree(site.storage.root, site.backup)
    site.storage.file("evidence", "docs/b c.txt").unlink()
    fix_restored.answering(monkeypatch, APPROVED)
    assert site.look(Act.RE_UPLOAD).ok
    assert (site.storage.uploads, site.bytes()) == (1, FILES)


def test_a_name_leads_to_nothing_outside_of_the_backup(tmp_path: Path):
    (tmp_path / "backup" / "evidence").mkdir(parents=True)
    (tmp_path / "secret").write_text("not of the backup")
    (tmp_path / "backup" / "evidence" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "backup" / "other").mkdir()
    (tmp_path / "backup" / "other" / "a.txt").write_text("of another bucket")
    for name in ("../../secret", "link", str(tmp_path / "secret"), "../other/a.txt"):
        assert storage_folder.find(tmp_path / "backup", "evidence", name, None) is None


def test_what_a_run_that_was_killed_has_uploaded_is_proven_with_the_rest(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    for name in ("a.txt", "docs/b c.txt"):
        site.storage.file("evidence", name).unlink()
    fix_restored.answering(monkeypatch, APPROVED)
    upload, sent = storage_client.Client.upload, list[str]()

    def dying(self: storage_client.Client, bucket: str, name: str, *content: Any, **facts: Any) -> None:
        if sent:
            raise KeyboardInterrupt
        sent.append(name)
        upload(self, bucket, name, *content, **facts)

    monkeypatch.setattr(storage_client.Client, "upload", dying)
    with pytest.raises(KeyboardInterrupt):
        site.look(Act.RE_UPLOAD)
    monkeypatch.setattr(storage_client.Client, "upload", upload)
    plan = operations.plan(str(site.project), "production", Act.RE_UPLOAD, WHY, whole=False)
    with operations.opened(plan, "again") as found:
        uploads = Uploads(found)
        incident_storage_uploads.find(uploads)
        assert incident_storage_act.act(uploads, lambda *_: None).ok
        proven = incident_storage_end.prove(uploads)
    assert (len(uploads.items), site.storage.uploads) == (1, 2)
    assert "2 objects are there with the right bytes" in proven.summary
    assert len(proven.rows) == 2


def test_a_name_leads_to_no_other_object_of_storage(site: Site):
    data = FILES["ebooks", "book.txt"]
    facts = {"size": len(data), "mimetype": None, "cache_control": None, "user_metadata": None}
    where = f"file:{site.project.parent}/"
    with storage_client.Client(FileStorage(url=f"{where}url", key=f"{where}key")) as client:
        for name in ("../ebooks/book.txt", "docs/../a.txt", "./a.txt"):
            assert client.probe("evidence", name, size=1) is None
            assert client.read("evidence", name) is None
            with client.signed("evidence", name) as token:
                assert token is None
            with pytest.raises(errors.Refused, match="lead to another object"):
                client.upload("evidence", name, [data], sha256=hashlib.sha256(data).hexdigest(), **facts)
        assert client.read("evidence", "docs/b c.txt"), "others are read as ever"
    assert (site.storage.uploads, site.bytes()) == (0, FILES)


def test_a_backup_with_other_bytes_is_not_taken(site: Site, monkeypatch: pytest.MonkeyPatch):
    for name in ("a.txt", "docs/b c.txt", "docs/deep/d.png"):
        site.storage.file("evidence", name).unlink()
    (site.backup / "evidence/a.txt").write_bytes(b"ONE")
    (site.backup / "evidence/docs/b c.txt").unlink()
    found = site.look()
    assert kinds(found) == {"storage-object-missing", "storage-backup-other", "storage-backup-absent"}
    assert "evidence/a.txt" in the(found, "storage-backup-other").said
    assert "evidence/docs/b c.txt" in the(found, "storage-backup-absent").said
    fix_restored.answering(monkeypatch, APPROVED)
    done = site.look(Act.RE_UPLOAD)
    assert site.storage.uploads == 1
    assert [each["object"] for each in kept(done, "re-upload.json")["objects"]] == [
        "evidence/docs/deep/d.png"
    ]


def test_what_somebody_mended_or_wrote_since_the_plan_is_left_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    for name in ("a.txt", "docs/b c.txt", "docs/deep/d.png"):
        site.storage.file("evidence", name).unlink()
    mended = site.storage.file("evidence", "a.txt")

    def meanwhile(question: str, **_: Any) -> str:
        if "Approve?" in question:
            mended.write_bytes(b"one")
            site.storage.put("evidence", "docs/b c.txt", b"a newer one")
            (site.backup / "evidence/docs/deep/d.png").write_bytes(b"T")
            return "approve"
        return "ada"

    fix_restored.answering(monkeypatch)
    monkeypatch.setattr("rich.prompt.Prompt.ask", meanwhile)
    done = site.look(Act.RE_UPLOAD)
    assert site.storage.uploads == 0
    assert not done.ok
    objects = {
        each["object"]: (each["state"], each["said"]) for each in kept(done, "re-upload.json")["objects"]
    }
    assert objects["evidence/a.txt"][0] == "already-there"
    assert "1 were already there (not by this run): evidence/a.txt" in done.summary
    assert objects["evidence/docs/b c.txt"][1] == "it was written again since the plan was made"
    assert "other bytes than those that were approved" in objects["evidence/docs/deep/d.png"][1]
    assert site.storage.file("evidence", "docs/b c.txt").read_bytes() == b"a newer one"


def test_a_plan_that_was_begun_goes_on_unasked_and_one_that_nobody_approved_does_not(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    site.storage.file("evidence", "a.txt").unlink()
    fix_restored.answering(monkeypatch, APPROVED)
    live = fix_switch.dying(monkeypatch, storage_client.Client, "upload")
    with pytest.raises(KeyboardInterrupt):
        site.look(Act.RE_UPLOAD)
    live()
    forge = "update runbooks.storage_uploads set item = jsonb_set(item, '{{sha256}}', '\"{}\"')"
    right = site.sql("select item ->> 'sha256' from runbooks.storage_uploads")[0][0]
    site.sql(forge.format("0" * 64))
    with pytest.raises(errors.Refused, match="not what its record says"):
        site.look(Act.RE_UPLOAD)
    site.sql(forge.format(right))
    site.sql("alter table runbooks.audit_log disable trigger append_only")
    site.sql("update runbooks.audit_log set actor = 'somebody' where event = 'approved'")
    copy = audit_store.Store.of(site.project, "production").path
    kept_copy = copy.read_text("utf-8")
    copy.write_text(kept_copy.replace('"actor": "ada"', '"actor": "eve"'), "utf-8")
    asked = fix_restored.answering(monkeypatch, ("reject", "ada", "not yet"))
    with pytest.raises(errors.Denied):
        site.look(Act.RE_UPLOAD)
    assert "no approval of it is found" in asked[0]
    assert site.storage.uploads == 0
    copy.write_text(kept_copy, "utf-8")
    assert not fix_restored.answering(monkeypatch)
    assert site.look(Act.RE_UPLOAD).ok
    assert (site.storage.uploads, site.bytes()) == (1, FILES)


def test_a_plan_that_is_done_is_not_done_again_by_whoever_writes_to_its_record(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    site.storage.file("evidence", "a.txt").unlink()
    fix_restored.answering(monkeypatch, APPROVED)
    assert site.look(Act.RE_UPLOAD).ok
    site.sql(
        "update runbooks.storage_uploads set state = 'planned', outcome = null, ended_at = null, ended_by = null"
    )
    asked = fix_restored.answering(monkeypatch, ("reject", "ada", "not yet"))
    with pytest.raises(errors.Denied):
        site.look(Act.RE_UPLOAD)
    assert "what was approved was done" in asked[0]
    fix_restored.answering(monkeypatch, APPROVED)
    assert site.look(Act.RE_UPLOAD).ok, "it can be approved anew"


def test_a_file_of_the_backup_that_changes_while_it_is_sent_is_not_uploaded(site: Site):
    data = b"three" * 1000
    facts = {"size": len(data), "mimetype": "image/png", "cache_control": "no-cache", "user_metadata": None}
    where = f"file:{site.project.parent}/"
    with storage_client.Client(FileStorage(url=f"{where}url", key=f"{where}key")) as client:
        for sent in ([b"three", b"other"], [b"THREE" * 1000], [b"THREE" * 1000, b"more"]):
            with pytest.raises(errors.Refused, match="other bytes than those that were approved"):
                client.upload("evidence", "a.txt", sent, sha256=hashlib.sha256(data).hexdigest(), **facts)
    assert (site.storage.uploads, site.bytes()) == (0, FILES)


def test_what_storage_refuses_is_said_and_the_rest_is_uploaded(site: Site, monkeypatch: pytest.MonkeyPatch):
    for name in ("a.txt", "docs/deep/d.png"):
        site.storage.file("evidence", name).unlink()
    site.sql("update storage.buckets set allowed_mime_types = array['text/plain'] where id = 'evidence'")
    site.declare()
    fix_restored.answering(monkeypatch, APPROVED)
    done = site.look(Act.RE_UPLOAD)
    assert not done.ok
    assert "mime type image/png is not supported" in done.summary
    assert site.bytes()["evidence", "a.txt"] == b"one"


BROKEN = {
    "a bucket that anybody may read": (
        "update storage.buckets set public = true where id = 'evidence'",
        {"storage-bucket-changed"},
    ),
    "a policy for everybody": (
        "create policy everybody on storage.objects for select to anon using (true)",
        {"rls-policy-changed"},
    ),
    "a policy that is gone": (
        'drop policy "owners read their evidence" on storage.objects',
        {"rls-policy-changed"},
    ),
    "row level security that is off": (
        "alter table storage.objects disable row level security",
        {"rls-switched-off"},
    ),
    "a limit that is gone": (
        "update storage.buckets set file_size_limit = null, allowed_mime_types = '{}' where id = 'evidence'",
        {"storage-bucket-changed"},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_buckets_and_policies_are_held_against_the_contract_and_brought_back(site: Site, what: str):
    breaking, expected = BROKEN[what]
    site.sql(breaking)
    found = site.look()
    assert kinds(found) == expected
    assert found.verdict == "failed"
    for _ in range(2):
        site.sql(Path(found.bundle or "", "corrective.sql").read_text("utf-8"))
    assert kinds(site.look()) == set()
    for _ in range(2):
        site.sql(Path(found.bundle or "", "corrective.rollback.sql").read_text("utf-8"))
    assert kinds(site.look()) == expected


def test_a_bucket_that_is_gone_and_one_that_nobody_declared(site: Site):
    site.sql("insert into storage.buckets (id, name) values ('new', 'new')")
    assert kinds(site.look()) == {"storage-bucket-not-declared"}
    site.declare()
    site.sql("set storage.allow_delete_query = 'true'; delete from storage.buckets where id = 'new'")
    assert kinds(site.look()) == {"storage-bucket-gone"}


def test_the_commands_say_whether_a_database_is_as_its_contract_says(site: Site):
    def checked() -> int:
        return command.check(f"file:{site.project.parent}/dsn", site.project, None, None)

    assert checked() == 0
    site.sql("update storage.buckets set public = true where id = 'evidence'")
    assert checked() == 1


def test_without_a_contract_that_look_says_so_and_the_others_look(site: Site):
    (site.project / storage_contract.CONVENTION).unlink()
    found = site.look()
    assert "runbooks storage declare" in the(found, "not-looked-at").said
    assert states(found)["objects"] == "well"


def test_a_private_object_that_anybody_gets_and_a_signature_that_nobody_checks(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    site.storage.checks_signatures = False
    found = site.look()
    assert kinds(found) == {"storage-signature-unchecked"}
    site.storage.checks_signatures = True
    monkeypatch.setattr(site.storage, "bucket", lambda name: {"public": True})
    assert "storage-open" in kinds(site.look())


def test_a_signed_url_that_is_refused(site: Site):
    site.storage.fails[r"GET /storage/v1/object/sign/evidence/.*"] = 403
    assert kinds(site.look()) == {"storage-signed-refused"}
    site.storage.fails.clear()
    site.storage.fails[r"GET /storage/v1/object/public/ebooks/.*"] = 403
    assert kinds(site.look()) == {"storage-public-refused"}


RULES = """
[[environments.production.storage.lifecycle]]
bucket = "evidence"
prefix = "docs/"
days = 30
"""
OLD = """\
update storage.objects set metadata = metadata || '{{"lastModified": "2026-01-01T00:00:00Z"}}' where name = '{}'
"""


def test_the_lifecycle_says_what_is_kept_too_long_and_what_went_too_early(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    site.configure(RULES)
    assert kinds(site.look()) == set()
    site.sql(OLD.format("docs/b c.txt"))
    found = the(site.look(), "lifecycle-overdue")
    assert "evidence/docs/b c.txt" in found.said
    assert found.since
    site.storage.file("evidence", "docs/b c.txt").unlink()
    found = site.look()
    assert kinds(found) == {"storage-row-left"}, "it is gone as was meant, so it is not missing"
    fix_restored.answering(monkeypatch)
    assert site.look(Act.RE_UPLOAD).ok
    assert site.storage.uploads == 0

    site.storage.file("evidence", "docs/deep/d.png").unlink()
    assert kinds(site.look()) == {"storage-row-left", "storage-object-missing", "lifecycle-early"}
    site.configure(RULES.replace("evidence", "gone"))
    assert "lifecycle-without-objects" in kinds(site.look())


def test_a_file_that_the_database_does_not_list_is_named_where_the_folder_can_be_seen(site: Site):
    stray = site.storage.root / "evidence" / "stray.txt" / str(uuid4())
    stray.parent.mkdir()
    stray.write_bytes(b"stray")
    assert "evidence/stray.txt" in the(site.look(), "storage-object-unknown").said
    site.configure(files="")
    assert kinds(site.look()) == set()


def test_bytes_of_the_same_size_and_tag_are_found_only_by_reading(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    site.configure("sample = 1")
    monkeypatch.setattr(fix_storage, "tag", lambda data: '"18f6-3"')
    site.storage.file("evidence", "docs/deep/d.png").write_bytes(b"THREE" * 1000)
    assert kinds(site.look(whole=True)) == {"storage-object-changed"}


def test_what_is_chosen_at_random_is_the_same_in_each_pass_of_a_run_and_another_in_other_runs(site: Site):
    """After the gate a run begins anew: with another sample it would find another plan, which nobody has approved."""
    plan = operations.plan(str(site.project), "production", Act.RE_UPLOAD, WHY, whole=False)
    chosen: set[str] = set()
    for run in map(str, range(12)):
        passes: set[str] = set()
        for _ in range(3):
            with operations.opened(plan, "a name", id=run) as found:
                passes |= {str(each) for each in found.sample(found.list_objects(), 1)}
        assert len(passes) == 1
        chosen |= passes
    assert len(chosen) > 1


def test_storage_that_does_not_answer_or_does_not_take_the_key_is_no_pass(site: Site):
    site.storage.fails[r"GET .*"] = 500
    found = site.look()
    assert found.verdict != "passed"
    assert {states(found)[name] for name in ("objects", "signed URLs", "backup")} == {"unseen"}
    site.storage.fails.clear()
    (site.project.parent / "key").write_text("another-fake-key")
    assert "does not take the key" in " ".join(each.said for each in site.look().report.findings)


def test_a_login_from_which_policies_hide_rows_has_not_looked(site: Site):
    site.sql(
        "create role looker login; grant usage on schema storage to looker;"
        "grant select on all tables in schema storage to looker"
    )
    try:
        dsn = conninfo.make_conninfo(site.dsn, user="looker")
        (site.project.parent / "dsn").write_text(dsn)
        found = site.look()
    finally:
        site.sql("drop owned by looker; drop role looker")
    assert states(found)["objects"] == "unseen"
    assert "row-level security" in " ".join(each.said for each in found.report.findings)


def test_without_a_place_or_a_reason_it_is_said(site: Site):
    with pytest.raises(errors.Refused, match="recorded with its reason"):
        incident_storage.fn(str(site.project), "production", Act.RE_UPLOAD, "why", False)
    config = site.project / "runbooks.toml"
    config.write_text(config.read_text().partition("[environments.production.storage]")[0])
    found = site.look()
    assert "url and key" in " ".join(each.said for each in found.report.findings)
    site.configure(backup="")
    assert kinds(site.look()) == {"storage-without-backup"}


def test_no_key_and_no_token_is_in_what_it_leaves(site: Site, monkeypatch: pytest.MonkeyPatch):
    site.storage.file("evidence", "a.txt").unlink()
    fix_restored.answering(monkeypatch, APPROVED)
    site.look(Act.RE_UPLOAD)
    left = [path.read_bytes() for path in (site.project / "artifacts").rglob("*") if path.is_file()]
    assert left
    # Every web token begins so.
    assert not [text for text in left if b"eyJ" in text or fix_storage.SECRET.encode() in text]


def test_a_token_is_remembered_as_long_as_it_is_used(site: Site):
    """Each text that leaves is looked through for all that is remembered, and of each object there are two."""
    where = f"file:{site.project.parent}/"
    with storage_client.Client(FileStorage(url=f"{where}url", key=f"{where}key")) as client:
        with client.signed("evidence", "a.txt") as token:
            assert token
            assert secrets.redact(token.encode().hex()) == secrets.MASK
            assert client.fetch("sign", "evidence", "a.txt", token=token).status == 200
        assert secrets.redact(token.encode().hex()) != secrets.MASK
        other = incident_storage_signed.altered(token)
        assert client.fetch("sign", "evidence", "a.txt", token=other).status != 200
        assert secrets.redact(other.encode().hex()) != secrets.MASK
    assert token not in secrets.redact(f"GET {token}"), "what has its shape is masked all the same"


def test_the_published_client_agrees_with_the_server_of_these_tests(site: Site):
    key = fix_storage.key("service_role")
    headers = {"apikey": key, "Authorization": f"Bearer {key}"}
    with httpx.Client() as connections:
        client = storage3.SyncStorageClient(
            f"{site.storage.url}/storage/v1/", headers, http_client=connections
        )
        evidence = client.from_("evidence")
        assert evidence.download("docs/b c.txt") == b"two"
        signed = evidence.create_signed_url("docs/b c.txt", 60)["signedURL"]
        assert connections.get(signed).content == b"two"
        with pytest.raises(storage3.exceptions.StorageApiError):
            evidence.download("nothing.txt")


def test_a_tag_of_parts_is_computed_anew(tmp_path: Path):
    data = bytes(range(256)) * 4096 * 12
    path = tmp_path / "large"
    path.write_bytes(data)
    size = 5 * 1024 * 1024
    parts = [storage_digests.Digests().feed([data[at : at + size]]).md5 for at in range(0, len(data), size)]
    tag = f"{storage_digests.Digests().feed([bytes.fromhex(''.join(parts))]).md5}-{len(parts)}"
    assert storage_digests.of_file(path, tag).fits is True
    assert storage_digests.of_file(path, f"{tag[:-1]}9").fits is None
    assert storage_digests.of_file(path, "0" * 32).fits is False
    assert storage_digests.of_file(path, "18f6-3").fits is None
