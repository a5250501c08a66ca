"""Settings: `sections` declares every option, `model` loads them, `steps` says who reads which."""

from mf_etl.settings.model import Settings, load_settings

__all__ = ["Settings", "load_settings"]
