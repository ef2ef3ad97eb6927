"""Measurements: data with known answers, and what the methods make of it."""
