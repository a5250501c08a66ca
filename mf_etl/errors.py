"""Errors a user can act on: their text is shown as it is, without a traceback."""


class MfEtlError(Exception):
    """Base of every error whose message names the cause and what to do about it."""


class SettingsError(MfEtlError):
    """A setting is unknown, has the wrong type or is out of range."""


class UniverseError(MfEtlError):
    """A raw root, exchange or ticker that is asked for is not there."""


class RawFileError(MfEtlError):
    """A raw file cannot be read, or is not the one that the job was planned for."""


class SchemaError(MfEtlError):
    """A table does not have the columns, dtypes or order that its declaration promises."""


class ResearchError(MfEtlError):
    """A dataset, a specification or a run folder cannot be used as asked."""
