"""The RPC gateway: signatures, permissions, parameters, and the forms of answers."""
