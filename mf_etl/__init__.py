"""mf_etl: daily US stock files to research-ready Parquet layers and market-regime models."""
