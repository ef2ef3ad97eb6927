"""The documentation: pages in Markdown, and `building`, which makes a site of them."""
