"""What a reviewer of security would try, item by item; `checklist.py` says which test answers which item."""
