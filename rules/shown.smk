"""What ``snakemake --report`` shows: an output of this name, with this label and ``report/NAME.rst`` below it."""

SHOWN = {
    "problem_tickers_csv": "Problem tickers",
    "bronze_sanity_by_exchange_csv": "Rows by exchange",
    "bronze_rows_by_year_csv": "Rows by year",
    "figure_profile_heatmap": "Features by label",
    "figure_outcomes": "Outcomes by label",
    "figure_timeline": "A ticker and its labels",
    "figure_transitions": "Transitions",
    "figure_dwell": "How long labels last",
    "figure_sizes": "Sizes",
    "profile_csv": "Profile",
    "profile_test_csv": "Profile of the test period",
    "dwell_stats": "How long labels last (table)",
    "flow_states": "Labels and flow states",
    "cluster_crosstab": "States and clusters",
    "sweep_figure": "Sweep",
    "sweep_csv": "Sweep (table)",
    "stability_figure": "Agreement of seeds",
    "stability_by_seed_csv": "Seeds",
    "figure_intervals": "Outcomes by state",
    "figure_folds": "Outcomes by year",
    "figure_events": "Around changes of state",
    "figure_placebo": "Against chance",
    "figure_equity": "Portfolios after costs",
    "figure_capacity": "Capacity",
    "state_outcomes_csv": "Outcomes by state (table)",
}
CATEGORIES = {"clustering": "Clusterings", "hmm": "Hidden Markov models"}


def shown(outputs, category):
    """The outputs of a rule by name, those of `SHOWN` marked for the report; a run is a subcategory."""
    return {
        name: (
            shown_file(pattern, name, category)
            if name in SHOWN and not pattern.endswith(".parquet")
            else pattern
        )
        for name, pattern in outputs.items()
    }


def shown_file(pattern, name, category):
    """One output, marked for the report."""
    is_of_run = "{run}" in pattern
    return report(
        pattern,
        caption=f"../report/{name}.rst",
        category=category,
        subcategory="{run}" if is_of_run else None,
        labels=({"run": "{run}"} if is_of_run else {}) | {"shows": SHOWN[name]},
    )
