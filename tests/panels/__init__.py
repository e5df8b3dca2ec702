"""Tests of `gateway/panels`."""
