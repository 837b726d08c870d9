"""Pure decisions: values in, values out; the standard library, no clock, disk or network."""
