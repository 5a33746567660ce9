"""What an auditor asks of a ledger: who did what and why, what was true when, who touched it since."""

from audit.digests.digest import Digest
from audit.errors import AuditError
from audit.trail.trail import AuditTrail
from audit.verification.verify import Verdict, verify_log

__all__ = ["AuditError", "AuditTrail", "Digest", "Verdict", "verify_log"]
