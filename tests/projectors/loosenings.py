"""Every rule that keeps effects exactly once, loosened in the code, and the test that is its counterexample.

    python -m tests.projectors.loosenings [WORD]        applies each to a copy of the code and runs its test
    make loosenings

A loosening that its test does not notice is printed and makes the exit code 1.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("localazure", "devkit", "domain", "eventstore", "projectors", "replay", "audit", "functions", "cli", "tests")


@dataclass(frozen=True, slots=True)
class Loosening:
    """`edits` replace text that stands exactly once in `file`; `test` is a pytest id that then fails."""

    rule: str
    file: str
    edits: tuple[tuple[str, str], ...]
    test: str


def _of(rule: str, file: str, test: str, *edits: tuple[str, str]) -> Loosening:
    return Loosening(rule, file, edits, test)


_CRASHES = "tests/projectors/processor/test_crashes.py"
_SPLITS = "tests/projectors/feed/test_splits.py"
_SPLIT_CRASHES = "tests/projectors/feed/test_split_crashes.py"
_LEASES = "tests/projectors/leases/test_leases.py"
_PARKING = "tests/projectors/views/test_parking.py"
_KILLED = f"{_CRASHES}::test_a_worker_killed_at_any_request_is_replaced_without_loss"
_PAUSED = f"{_CRASHES}::test_a_worker_paused_at_any_request_does_no_harm_when_it_wakes"
_LOST = f"{_CRASHES}::test_a_write_or_its_answer_lost_anywhere_changes_nothing"
_SHORTER = "tests/projectors/views/test_batches.py::test_a_write_that_meets_a_shorter_one_is_decided_again"
_GONE = (
    "tests/projectors/views/test_batches.py::test_a_worker_asleep_does_not_bring_back_an_item_that_has_come_and_gone"
)

LOOSENINGS = (
    _of(
        "a lease is replaced without If-Match",
        "projectors/leases/store.py",
        f"{_LEASES}::test_a_worker_whose_lease_was_taken_cannot_move_the_position",
        ("self._gateway.replace(document, old.etag)", 'self._gateway.replace(document, "*")'),
    ),
    _of(
        "a lease is not read back after a lost answer",
        "projectors/leases/store.py",
        f"{_LEASES}::test_a_renewal_whose_answer_was_lost_is_still_this_workers",
        (
            "            except (Conflict, Unanswered) as error:\n",
            "            except (Conflict, Unanswered) as error:\n"
            '                raise LeaseLost("no answer") from error\n',
        ),
    ),
    _of(
        "no renewal between reading and writing",
        "projectors/processor/range_processor.py",
        "tests/projectors/processor/test_worker.py::test_the_position_is_written_after_the_work_and_the_lease_renewed_before_it",
        ("        self.held.renew()\n        self._handler.flush()\n", "        self._handler.flush()\n"),
    ),
    _of(
        "the position before the effects",
        "projectors/processor/range_processor.py",
        _KILLED,
        ("        self.held.renew()\n        self._handler.flush()\n", ""),
        (
            "        self._meter.applied(self._events)\n",
            "        self.held.renew()\n        self._handler.flush()\n        self._meter.applied(self._events)\n",
        ),
    ),
    _of(
        "children made before their parent is gone",
        "projectors/leases/store.py",
        f"{_LEASES}::test_a_worker_that_lost_its_lease_cannot_split_it",
        (
            "            self._gateway.batch(lease.consumer, operations)\n",
            "            self._gateway.batch(lease.consumer, operations[1:])\n"
            "            self._gateway.batch(lease.consumer, operations[:1])\n",
        ),
    ),
    _of(
        "children at the newest position instead of their parent's",
        "projectors/leases/store.py",
        f"{_SPLIT_CRASHES}::test_a_split_at_any_request_loses_nothing",
        ("first = replace(lease, owner=None,", "first = replace(lease, lsn=lease.head, owner=None,"),
    ),
    _of(
        "children that do not know their parent",
        "projectors/leases/store.py",
        f"{_SPLIT_CRASHES}::test_a_worker_killed_at_any_request_of_a_run_that_meets_a_split_is_replaced_without_loss",
        ("ancestors=(lease.id, *lease.ancestors)", "ancestors=()"),
    ),
    _of(
        "a lease made again after its split",
        "projectors/leases/store.py",
        f"{_LEASES}::test_a_lease_that_was_split_is_not_made_again_by_a_worker_that_was_asleep",
        ('only = {"if_match_etag": listed["_etag"]}', 'only = {"if_match_etag": "*"}'),
        ("listed := self._gateway.read(_UNMADE_ID, consumer)", "listed := self._listed(consumer)"),
        (
            "    def take(self",
            "    def _listed(self, consumer: str) -> Document | None:\n"
            "        found = self._gateway.read(_UNMADE_ID, consumer)\n"
            "        self._seen = getattr(self, '_seen', None) or found\n"
            "        return found and self._seen\n\n"
            "    def take(self",
        ),
    ),
    _of(
        "a page of several ranges is kept",
        "projectors/feed/change_feed.py",
        f"{_SPLIT_CRASHES}::test_a_split_at_any_request_loses_nothing",
        ("        if ranges != (feed_range,):\n", "        if not ranges:\n"),
    ),
    _of(
        "events applied whatever the guard's version",
        "projectors/views/streams/projector.py",
        _KILLED,
        ("        if version <= guard.version:\n            return False\n", ""),
        (
            "        if guard.upto is None and version != guard.version + 1:\n",
            "        if guard.upto == 0:\n",
        ),
    ),
    _of(
        "a guard written without its etag",
        "projectors/views/streams/checkpoint.py",
        _PAUSED,
        ('        ("create", (segment.guard,))\n', '        ("upsert", (segment.guard,))\n'),
        (
            'else ("replace", (guard.place.id, segment.guard), {"if_match_etag": etag})',
            'else ("upsert", (segment.guard,))',
        ),
        (
            'return ("create", (document,)) if verb == "create" else ("replace", (key, document))',
            'return ("upsert", (document,))',
        ),
    ),
    _of(
        "an empty net effect does not write the guard",
        "projectors/views/streams/checkpoint.py",
        _GONE,
        (
            "        if self.dirty:\n            self._seal({})\n",
            "        if self.dirty and self.change.items:\n            self._seal({})\n",
        ),
    ),
    _of(
        "a guard goes with its last item",
        "projectors/views/streams/checkpoint.py",
        _GONE,
        (
            'else ("replace", (guard.place.id, segment.guard), {"if_match_etag": etag})',
            'else ("replace", (guard.place.id, segment.guard), {"if_match_etag": etag})\n'
            '        if segment.guard["state"]\n'
            '        else ("delete", (guard.place.id,), {"if_match_etag": etag})',
        ),
    ),
    _of(
        "items written before their guard, in a request of their own",
        "projectors/views/streams/batch_writer.py",
        _KILLED,
        (
            "            etags = self._gateway.batch(batch[0].guard.place.partition, everything)\n",
            "            pk = batch[0].guard.place.partition\n"
            "            guards = [write.operations[0] for write in batch]\n"
            "            items = [operation for write in batch for operation in write.operations[1:]]\n"
            "            if items:\n"
            "                self._gateway.batch(pk, items)\n"
            "            found = iter(self._gateway.batch(pk, guards))\n"
            '            etags = [x for w in batch for x in (next(found), *([""] * (len(w.operations) - 1)))]\n',
        ),
    ),
    _of(
        "at a conflict the events are skipped",
        "projectors/views/streams/projector.py",
        _SHORTER,
        ("                self._decide_again(guard)\n", "                self._guards.pop(guard.stream, None)\n"),
    ),
    _of(
        "a write without an answer counts as written",
        "projectors/views/streams/batch_writer.py",
        _LOST,
        (
            "        except (Conflict, Unanswered):\n            unwritten.again",
            "        except Unanswered:\n            return set()\n"
            "        except Conflict:\n            unwritten.again",
        ),
    ),
    _of(
        "a parked stream's mark is not raised",
        "projectors/views/streams/checkpoint.py",
        f"{_PARKING}::test_a_stream_waits_behind_its_poison_and_all_others_go_on",
        ("            self.upto, self.dirty = version, True\n", "            pass\n"),
    ),
    _of(
        "what comes behind a parked event is applied",
        "projectors/views/streams/projector.py",
        f"{_PARKING}::test_a_stream_waits_behind_its_poison_and_all_others_go_on",
        (
            "        if guard.upto is not None:\n            guard.wait_behind(version)\n",
            "        if guard.upto == 0:\n",
        ),
    ),
    _of(
        "a park that is not written",
        "projectors/views/streams/checkpoint.py",
        f"{_PARKING}::test_a_poison_event_that_comes_alone_parks_its_stream",
        (
            "self.upto, self.error, self.attempts, self.dirty = upto, error, self.attempts + 1, True",
            "self.upto, self.error, self.attempts = upto, error, self.attempts + 1",
        ),
    ),
    _of(
        "a new failure ends the wait",
        "projectors/views/streams/dead_letters.py",
        f"{_PARKING}::test_a_retry_after_the_mend_brings_everything_in_order",
        ("                guard.park(guard.upto, failed)\n", "                guard.unpark()\n"),
    ),
    _of(
        "the wait ends before the write that reaches the mark",
        "projectors/views/streams/dead_letters.py",
        f"{_PARKING}::test_a_retry_of_more_than_a_batch_holds_ends_the_wait_with_its_last_batch",
        (
            "            if guard.version >= guard.upto:\n                guard.unpark()\n            elif",
            "            if failed is None:\n                guard.unpark()\n            elif",
        ),
    ),
    _of(
        "a retry writes without the guard's etag",
        "projectors/views/streams/checkpoint.py",
        f"{_PARKING}::test_a_worker_that_sees_more_of_a_parked_stream_beside_a_retry_strands_nothing",
        (
            'else ("replace", (guard.place.id, segment.guard), {"if_match_etag": etag})',
            'else ("replace", (guard.place.id, segment.guard))',
        ),
    ),
    _of(
        "sums: no seal",
        "projectors/views/sums/checkpoint.py",
        f"{_SPLITS}::test_a_parent_that_wakes_after_its_children_began_adds_nothing",
        ("lsn=self._end_of(tuple(older)), sealed=True)", "lsn=self._end_of(tuple(older)))"),
        ("                    sealed = replace(found, sealed=True)\n", "                    sealed = found\n"),
    ),
    _of(
        "sums: only what exists is sealed",
        "projectors/views/sums/checkpoint.py",
        f"{_SPLITS}::test_a_parent_that_never_wrote_is_sealed_all_the_same",
        ("                    self._gateway.create(sealed.document())\n", "                    return sealed.lsn\n"),
    ),
    _of(
        "sums: a child begins at its lease's position",
        "projectors/views/sums/projector.py",
        f"{_SPLITS}::test_what_a_parent_wrote_beyond_its_lease_is_not_added_again_by_its_children",
        (
            "        for lsn, documents in groupby(",
            "        if self._stored.etag is None:\n"
            "            self._guard = replace(self._guard, lsn=max(self._lease.lsn or 0, 0))\n"
            "            self._stored = replace(self._stored, lsn=self._guard.lsn)\n"
            "        for lsn, documents in groupby(",
        ),
    ),
    _of(
        "sums: a parent that never wrote ends at zero",
        "projectors/views/sums/checkpoint.py",
        f"{_SPLITS}::test_a_grandchild_begins_where_the_nearest_written_ancestor_ended",
        ("lsn=self._end_of(tuple(older)), sealed=True)", "lsn=0, sealed=True)"),
    ),
    _of(
        "sums: a seal is ignored",
        "projectors/views/sums/checkpoint.py",
        f"{_SPLITS}::test_a_parent_that_wakes_after_its_children_began_adds_nothing",
        ("        if found.sealed:\n            raise", "        if not found.lease:\n            raise"),
    ),
    _of(
        "sums: the seal overwrites",
        "projectors/views/sums/checkpoint.py",
        f"{_SPLITS}::test_a_seal_does_not_overwrite_what_the_parent_writes_meanwhile",
        ('self._gateway.replace(sealed.document(), found.etag or "")', 'self._gateway.replace(sealed.document(), "*")'),
    ),
    _of(
        "sums: a guard written without its etag",
        "projectors/views/sums/projector.py",
        f"{_SPLITS}::test_of_two_workers_with_the_same_page_one_adds_it",
        (
            'return ("create", (document,)) if etag is None else',
            'return ("upsert", (document,)) if guard.id else',
        ),
        (
            'return ("replace", (document["id"], document)) if exists else ("create", (document,))',
            'return ("upsert", (document,))',
        ),
    ),
    _of(
        "sums: at a conflict the page is skipped",
        "projectors/processor/range_processor.py",
        _SHORTER,
        (
            "        self._handler.flush()\n",
            "        try:\n            self._handler.flush()\n"
            "        except (Conflict, Unanswered):\n            self._handler = self.consumer.open(self.held.now)\n",
        ),
    ),
    _of(
        "sums: a late stream's mark is not raised",
        "projectors/views/sums/projector.py",
        f"{_PARKING}::test_a_retry_after_the_mend_brings_everything_in_order",
        ("replace(late, upto=max(late.upto, version))", "late"),
    ),
    _of(
        "sums: a retry goes to the stream's end",
        "projectors/views/streams/dead_letters.py",
        f"{_PARKING}::test_a_retry_of_sums_takes_in_what_was_passed_over_and_no_more",
        (
            "self._history.documents(stream, after=late.after, upto=late.upto)",
            "self._history.documents(stream, after=late.after)",
        ),
        (
            "            raise BrokenLog(stream, late.after + 1)\n",
            "            pass\n",
        ),
        ('            partial = _shortened(partial, stream, document["version"])\n', ""),
        (
            "        if failed is not None:\n            left",
            "        partial = _shortened(partial, stream, late.upto)\n"
            "        if failed is not None:\n            left",
        ),
    ),
    _of(
        "the registry is replaced without If-Match",
        "projectors/generations/registry.py",
        "tests/projectors/leases/test_registry.py::test_of_two_rebuilds_that_start_at_once_one_is_refused",
        ("self._gateway.replace(document, now.etag)", 'self._gateway.replace(document, "*")'),
    ),
    _of(
        "the number of an abandoned generation is used again",
        "projectors/generations/registry.py",
        "tests/projectors/leases/test_registry.py::test_a_number_is_never_used_again",
        ("            number = now.last + 1\n", "            number = max(now.all) + 1\n"),
    ),
    _of(
        "readers do not wait for what they served before",
        "projectors/views/reader.py",
        "tests/projectors/views/test_reader.py::test_what_was_served_is_waited_for_though_nothing_was_asked_for",
        ("patience = MAX_WAIT if version < served else", "patience = 0.0 if version < served else"),
    ),
    _of(
        "readers of sums do not wait for what they served before",
        "projectors/views/sums/reader.py",
        "tests/projectors/views/test_reader.py::test_what_was_served_is_waited_for_though_nothing_was_asked_for",
        ("            behind = not _covers(parts, served)\n", "            behind = False\n"),
    ),
    _of(
        "a generation serves though more of its streams are parked",
        "replay/rebuild/rebuild.py",
        "tests/replay/rebuild/test_rebuild_troubles.py",
        ("        if lacking:\n", "        if not lacking and lacking:\n"),
    ),
)


def apply(loosening: Loosening, root: Path) -> None:
    """Edits the file under `root`. Raises ValueError when a text is not there exactly once."""
    path = root / loosening.file
    text = path.read_text()
    for old, new in loosening.edits:
        if text.count(old) != 1:
            raise ValueError(f"{loosening.rule}: {loosening.file} has {text.count(old)} times {old!r}")
        text = text.replace(old, new)
    path.write_text(text)


def noticed(loosening: Loosening) -> bool:
    """Whether the test fails on a copy of the code with the loosening."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for room in ROOMS:
            shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("pyproject.toml", "service.py", "function_app.py"):
            shutil.copy(ROOT / file, copy / file)
        apply(loosening, copy)
        command = [sys.executable, "-m", "pytest", "-x", "-q", loosening.test]
        found = subprocess.run(
            command, cwd=copy, env={"PYTHONPATH": folder, "PATH": ""}, capture_output=True, check=False
        )
    return found.returncode == 1


def main() -> None:
    words = sys.argv[1:]
    missed = []
    for loosening in LOOSENINGS:
        if all(word in loosening.rule for word in words):
            seen = noticed(loosening)
            print(f"{'noticed' if seen else 'MISSED '}  {loosening.rule}  ->  {loosening.test}", flush=True)
            missed += [] if seen else [loosening]
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
