"""Which networks train: small networks of many families, each trained, and what the forecast makes of them."""
