"""From the bytes of a delivery to intents: envelopes opened, messages understood, signatures checked."""
