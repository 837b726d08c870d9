"""The report: what was done and how it is, as one HTML file. Values come in, text goes out."""
