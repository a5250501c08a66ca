"""Settings: `sections` declares every option, `model` loads them, `steps` says who reads which."""
