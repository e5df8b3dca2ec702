"""Xtream Gateway: GraphQL and REST in front of Xtream-style panels."""

__version__ = "0.1.0"
