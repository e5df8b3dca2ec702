"""A faithful Xtream-style panel: for tests, for the demo, and to learn how panels fail.

It imports nothing of the gateway, so that no mistake can be shared by both sides.
Behaviour is described in docs/simulator.md; recorded exchanges prove it.
"""
