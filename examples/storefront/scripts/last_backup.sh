#!/bin/sh
# Says when the last backup of production was made; `make demo` makes one.
exec date -u -r "$STOREFRONT_BACKUP" +%Y-%m-%dT%H:%M:%SZ
