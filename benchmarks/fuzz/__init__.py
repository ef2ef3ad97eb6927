"""Broken inputs by the thousand: every one must be refused in a sentence, in time, and leave no file behind."""
