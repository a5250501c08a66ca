"""Raw files to bronze: valid bars, rejected rows, quality report."""


rule bronze_ohlcv:
    """One raw file, parsed and validated; what is wrong with its content is data."""
    input:
        no_file_but_a_known_ticker,
    output:
        bronze_ohlcv=DATA.bronze_ohlcv,
        bronze_rejects=DATA.bronze_rejects,
        bronze_quality=DATA.bronze_quality,
    log:
        DATA.bronze_ohlcv.log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        tmpdir=None,
    params:
        raw=raw_file,
        source_file=raw_source_file,
        fingerprint=raw_fingerprint,
        settings=settings_for("bronze_ohlcv"),
        code=code_for("bronze_ohlcv"),
    script:
        "../scripts/bronze_ohlcv.py"
