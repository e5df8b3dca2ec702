"""`make run`: the whole product on an embedded default, with a simulated panel."""
