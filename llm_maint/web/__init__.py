"""The one room that speaks HTTP: to model servers, and to the monitors that are told of runs."""
