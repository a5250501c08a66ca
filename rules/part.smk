"""The workflow of a part of a run: the layers of the tickers that a parcel has to build."""

TICKERS = config.pop("part")
OPEN_FROM = config.pop("open_from", "bronze_ohlcv")
IS_PART = True


include: "common.smk"


from mf_etl.planning.part import Part

UNIVERSE = Part(SETTINGS.paths.raw_root, TICKERS)
CONTENT_OF = UNIVERSE.content


# What lies above the first layer that is not as it was left is input, and costs no planning.
if OPEN_FROM == STEPS[0]:

    include: "bronze.smk"


if STEPS.index(OPEN_FROM) < STEPS.index("gold_events"):

    include: "silver.smk"


include: "gold.smk"
include: "former.smk"


onstart:
    before_the_first_job()


onsuccess:
    give_former_files_back()


onerror:
    give_former_files_back()
