"""`python -m tap_meta_partner` is `tap-meta-partner`."""

from tap_meta_partner.tap import main

main()
