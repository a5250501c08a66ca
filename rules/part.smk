"""The workflow of a part of a run: the layers of the tickers that a parcel has to build."""

TICKERS = config.pop("part")
IS_PART = True


include: "common.smk"


from mf_etl.planning.part import Part

UNIVERSE = Part(SETTINGS.paths.raw_root, TICKERS)
CONTENT_OF = UNIVERSE.content


include: "bronze.smk"
include: "silver.smk"
include: "gold.smk"
include: "former.smk"


onstart:
    before_the_first_job()


onsuccess:
    give_former_files_back()


onerror:
    give_former_files_back()
