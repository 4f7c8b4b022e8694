"""The documents operators edit: each a frozen value that the rules take as an argument."""

from __future__ import annotations

from gateway.rules.policy.compensation import Budget, Caps, Compensation, Exclusions, Tier
from gateway.rules.policy.messages import MessagePolicy, News, QuietHours
from gateway.rules.policy.pace import PollPace
from gateway.rules.policy.playbooks import Playbook, Playbooks, RemedyPlan
from gateway.rules.policy.retention import Retention
from gateway.rules.policy.routes import Backup, Route, Routes, When
from gateway.rules.policy.stalls import Blindness, Circuit, Learned, Override, Pace, Peak, Promise, Stalls, Threshold

__all__ = [
    "Backup",
    "Blindness",
    "Budget",
    "Caps",
    "Circuit",
    "Compensation",
    "Exclusions",
    "Learned",
    "MessagePolicy",
    "News",
    "Override",
    "Pace",
    "Peak",
    "Playbook",
    "Playbooks",
    "PollPace",
    "Promise",
    "QuietHours",
    "RemedyPlan",
    "Retention",
    "Route",
    "Routes",
    "Stalls",
    "Threshold",
    "Tier",
    "When",
]
