"""Reports for people: words in several languages, the provenance tree, and the report as a page."""
