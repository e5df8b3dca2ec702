"""Panels upstream: one package per dialect, and what carries every dialect over HTTP."""
