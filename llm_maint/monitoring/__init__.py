"""Telling others how it goes: monitors that are pinged, a command, a file for Prometheus.

Nothing in this room may fail a run or keep a job waiting.
"""
