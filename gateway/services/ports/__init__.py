"""What services need from the outside, as Protocols; adapters implement them."""
