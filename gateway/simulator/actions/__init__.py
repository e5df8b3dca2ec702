"""The calls of the panel's script, by action and sub.

An action returns what is printed as JSON, or `NO_ANSWER` for an empty body.
"""
