"""Settings: what each key means, where its value comes from, and the file that holds it."""
