"""The invariances that training rests on, checked on a user's own model and cluster: `rlstack verify`."""
