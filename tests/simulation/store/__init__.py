"""The store ports in memory: fast, and in every way that services can see like `SqlDatabase`.

A transaction of services never waits for anything but its own statements, so here it runs in one
piece; what can come between transactions is left to the loop. Nothing of one that fails stays.
`test_store.py` runs random histories on both and compares what they answer.
"""
