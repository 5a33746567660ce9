"""What an auditor asks of a ledger: who did what and why, what was true when, who touched it since."""

from replay.audit.digest import Digest
from replay.audit.errors import AuditError
from replay.audit.trail import AuditTrail
from replay.audit.verification import Verdict, verify_log

__all__ = ["AuditError", "AuditTrail", "Digest", "Verdict", "verify_log"]
