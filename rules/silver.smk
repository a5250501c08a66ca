"""Bronze to silver: helper series, then indicators."""


rule silver_base:
    """Price geometry, returns, ranges, liquidity and rolling context of one ticker."""
    input:
        bronze_ohlcv=DATA.bronze_ohlcv,
    output:
        silver_base=DATA.silver_base,
    log:
        DATA.silver_base.log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        tmpdir=None,
    params:
        settings=settings_for("silver_base"),
        code=code_for("silver_base"),
    script:
        "../scripts/silver_base.py"


rule silver_indicators:
    """Twiggs Money Flow and the TTI proxy of one ticker."""
    input:
        silver_base=DATA.silver_base,
    output:
        silver_indicators=DATA.silver_indicators,
    log:
        DATA.silver_indicators.log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        tmpdir=None,
    params:
        settings=settings_for("silver_indicators"),
        code=code_for("silver_indicators"),
    script:
        "../scripts/silver_indicators.py"
