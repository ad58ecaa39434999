"""The synths: Serum-lite and what renders it."""

from __future__ import annotations
