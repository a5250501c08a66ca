"""What people look at: tables to pages and to the data files of charts. Knows no Snakemake."""
