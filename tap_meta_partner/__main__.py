"""`python -m tap_meta_partner` is `tap-meta-partner`."""

from __future__ import annotations

from tap_meta_partner.tap import main

main()
