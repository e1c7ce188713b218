"""The state of the local cloud: values, their JSON, readings, history."""
