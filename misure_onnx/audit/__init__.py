"""Audits: every image of a data set explained, one table, resumed where it stopped."""
