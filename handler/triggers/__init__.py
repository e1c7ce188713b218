"""From the bytes of a delivery to intents: opens envelopes, reads messages, checks signatures."""
