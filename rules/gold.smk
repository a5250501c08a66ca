"""Silver to gold: events and flow states, then research features."""


rule gold_events:
    """Events of Event Grammar v1 and the flow state of one ticker."""
    input:
        silver_indicators=DATA.silver_indicators,
    output:
        gold_events=DATA.gold_events,
    log:
        DATA.gold_events.log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        tmpdir=None,
    params:
        settings=settings_for("gold_events"),
        code=code_for("gold_events"),
    script:
        "../scripts/gold_events.py"


rule gold_features:
    """Research features of one ticker."""
    input:
        gold_events=DATA.gold_events,
    output:
        gold_features=DATA.gold_features,
    log:
        DATA.gold_features.log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        tmpdir=None,
    params:
        settings=settings_for("gold_features"),
        code=code_for("gold_features"),
    script:
        "../scripts/gold_features.py"
