"""Networks and parts of networks that no library offers in this form."""
