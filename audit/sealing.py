"""Making a digest: the log is verified, against the digest before as well, and what it is now is signed."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.digests.archive import Archive, KeptDigest
from audit.digests.digest import Digest
from audit.digests.heads import HeadsWriter
from audit.errors import DigestUnreadable, LogBroken
from audit.log import Log
from audit.verification.verify import JOBS, Verdict, verify_log


def seal(
    log: Log,
    archive: Archive,
    key: Ed25519PrivateKey,
    *,
    database: str,
    made_at: str,
    jobs: int = JOBS,
    progress: Callable[[Verdict], None] = lambda _: None,
) -> KeptDigest:
    """The next digest of the archive. Its moment, per stream, is when the stream was read.

    Raises:
        LogBroken: the log does not verify, or is no longer what the digest before says. Nothing is signed.
        SignatureWrong, DigestUnreadable: the digests that are there cannot be trusted, or are of another database.
    """
    kept = archive.checked(key.public_key())
    before = kept[-1] if kept else None
    if before is not None and before.digest.database != database:
        raise DigestUnreadable(f"{archive.folder} holds digests of database {before.digest.database}, not {database}")
    archive.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=archive.folder, prefix=".digest-") as folder:
        path = Path(folder) / "heads.gz"
        with HeadsWriter(path) as heads:
            verdict = verify_log(log, against=before, jobs=jobs, progress=progress, each=heads.add)
        if not verdict.sound:
            raise LogBroken(_refusal(verdict))
        digest = Digest.sign(
            key,
            made_at=made_at,
            database=database,
            streams=heads.streams,
            events=verdict.events,
            outcomes=verdict.outcomes,
            root=heads.root,
            previous=before.digest if before else None,
        )
        return archive.keep(digest, path)


def _refusal(verdict: Verdict) -> str:
    first = verdict.broken[0]
    where = first.stream if first.version is None else f"{first.stream} version {first.version}"
    return f"{where}: {first.problem}; {verdict.bad} streams do not verify, so nothing is sealed"
