"""The words and the rules. No input or output.

The standard library, and of msgspec only the marker of an absent field.
"""
