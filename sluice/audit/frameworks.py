"""Which entries of the audit log answer which article or requirement, and what Sluice does not cover."""

from collections.abc import Sequence
from dataclasses import dataclass

from sluice.errors import SetupError

JOBS = ("job.created", "job.processing", "job.retrying", "job.completed", "job.failed", "job.cancelled")
LOADS = ("load.published",)
READ = ("result.downloaded", "rejects.downloaded", "data.unsealed")
REFUSED = ("access.refused",)
RIGHTS = ("token.minted",)
ADMIN = ("job.deleted", "organization.paused", "organization.resumed", "webhook.set", "webhook.removed")
TABLES = ("table.changed",)
KEYS = ("keys.rotated",)
POLICY = ("policy.checked", "policy.refused")
CLASSES = ("classification.done",)
EXPORTS = ("audit.exported",)


@dataclass(frozen=True, slots=True)
class Requirement:
    """``events`` answer it; ``by`` says how Sluice does beyond them, ``lacks`` what of it Sluice does not cover."""

    id: str
    asks: str
    events: tuple[str, ...] = ()
    by: str = ""
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Framework:
    """``lacks``: what no part of Sluice covers."""

    name: str
    title: str
    requirements: Sequence[Requirement]
    lacks: Sequence[str]

    def answers(self, event: str) -> list[str]:
        """The requirements that an entry of this event answers."""
        return [one.id for one in self.requirements if event in one.events]

    @property
    def events(self) -> list[str]:
        """All events that answer something."""
        return sorted({event for one in self.requirements for event in one.events})


CHAIN = "Each entry is chained to the one before it; signed anchors are kept outside of the warehouse."
_COMMON = (
    "Logins to PostgreSQL, the Prefect server and the operating system: see their own logs.",
    "Requests without a valid token: they name no organization, and stand in the gateway's log only.",
    "Reads by SQL that pass neither the gateway nor Sluice's commands.",
)

GDPR = Framework(
    "gdpr",
    "Regulation (EU) 2016/679 (General Data Protection Regulation)",
    (
        Requirement("Art. 5(1)(f)", "integrity and confidentiality", READ + REFUSED + KEYS, CHAIN),
        Requirement("Art. 5(2)", "accountability", JOBS + LOADS + ADMIN + EXPORTS, CHAIN),
        Requirement("Art. 15", "right of access by the data subject", ("subject.exported",)),
        Requirement("Art. 17", "right to erasure", ("subject.erased",)),
        Requirement(
            "Art. 25",
            "data protection by design and by default",
            CLASSES + POLICY,
            "Columns are classified, and a source is checked against its policy before its first byte.",
        ),
        Requirement(
            "Art. 30",
            "records of processing activities",
            JOBS + LOADS + TABLES,
            lacks="purposes, recipients, transfers, contact details of controller and processor",
        ),
        Requirement("Art. 32", "security of processing", READ + REFUSED + RIGHTS + KEYS + POLICY),
        Requirement(
            "Art. 33",
            "notification of a breach to the authority",
            (*REFUSED, "policy.refused", *READ),
            "The entries help to tell what was reached, when and by whom.",
            "to notice a breach, and to notify within 72 hours",
        ),
    ),
    (*_COMMON, "Legal bases and consents.", "Data that left the warehouse with a download."),
)

SOX = Framework(
    "sox",
    "Sarbanes-Oxley Act of 2002, sections 302 and 404: IT general controls",
    (
        Requirement(
            "302(a)(4)",
            "controls over disclosed information are kept and judged",
            LOADS + EXPORTS,
            CHAIN,
            "the officers' own judgement and certification",
        ),
        Requirement(
            "404 access",
            "access to programs and data",
            READ + REFUSED + RIGHTS + KEYS,
            lacks="granting and reviewing of users' rights, which your identity provider and PostgreSQL hold",
        ),
        Requirement(
            "404 change",
            "changes of programs and data structures",
            TABLES + LOADS + ADMIN,
            "Each load names the version of its contract.",
            "changes of Sluice's own code and of flows: see your version control",
        ),
        Requirement(
            "404 operations",
            "jobs run completely and correctly, and failures are followed up",
            JOBS + LOADS + ("organization.paused", "organization.resumed"),
            "Rows, rejects, ledger and audit entry of a load are one transaction.",
            "backups and their restoring",
        ),
    ),
    (*_COMMON, "Segregation of duties.", "How long records must be kept: Sluice removes no entry by itself."),
)

PCI_DSS = Framework(
    "pci-dss",
    "Payment Card Industry Data Security Standard v4.0.1",
    (
        Requirement("3.3-3.5", "stored account data is protected", (*CLASSES, "data.unsealed")),
        Requirement("3.6-3.7", "cryptographic keys are secured and managed", KEYS),
        Requirement(
            "4.2", "strong cryptography in transmission", POLICY, lacks="channels other than API sources"
        ),
        Requirement("7.2-7.3", "access by business need to know", REFUSED + RIGHTS + ("data.unsealed",)),
        Requirement(
            "8.2-8.4",
            "users are identified and authenticated",
            RIGHTS + POLICY,
            lacks="passwords and lock-outs",
        ),
        Requirement("10.2.1.1", "all individual access to cardholder data is logged", READ),
        Requirement("10.2.1.2", "all actions with administrative access are logged", ADMIN + TABLES),
        Requirement("10.2.1.3", "all access to audit logs is logged", EXPORTS, lacks="reads by SQL"),
        Requirement("10.2.1.4", "all invalid access attempts are logged", (*REFUSED, "policy.refused")),
        Requirement("10.2.1.5", "all changes to credentials are logged", RIGHTS + KEYS + ("webhook.set",)),
        Requirement(
            "10.2.1.6",
            "starting, stopping and pausing of audit logs is logged",
            by="Entries are written by triggers; what is changed while they are off is found.",
            lacks="that they were switched off and on with nothing changed: see PostgreSQL's log",
        ),
        Requirement("10.2.1.7", "creation and deletion of system-level objects is logged", TABLES),
        Requirement(
            "10.2.2",
            "each entry has user, type, time, result, origin and what was affected",
            by="User, event, time, job, load and dataset of each entry.",
            lacks="the network address that a request came from",
        ),
        Requirement("10.3", "audit logs can't be destroyed or changed", by=CHAIN),
        Requirement("10.4", "audit logs are reviewed", EXPORTS, lacks="the review itself"),
        Requirement(
            "10.5",
            "audit logs are kept for 12 months",
            by="Sluice removes no entry.",
            lacks="backups of them",
        ),
        Requirement(
            "10.6", "clocks are synchronized", lacks="the clock of the PostgreSQL server is taken as it is"
        ),
        Requirement(
            "10.7",
            "failures of security controls are noticed",
            ("policy.refused",),
            "A chain that no longer holds what was signed is not signed again, and the platform logs it.",
            "alarms to people",
        ),
    ),
    _COMMON,
)

FRAMEWORKS = {one.name: one for one in (SOX, GDPR, PCI_DSS)}


def framework(name: str) -> Framework:
    """The framework of this name. Raises SetupError."""
    if name not in FRAMEWORKS:
        raise SetupError(f"There is no framework {name}.", hint=f"Choose one of {', '.join(FRAMEWORKS)}.")
    return FRAMEWORKS[name]
