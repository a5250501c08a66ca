"""Runs vectorbt on orders in a file, in a process of its own: compiling its loops takes minutes.

``python vectorbt_engine.py cases.npz results.npz``, with NUMBA_DISABLE_JIT=1.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import vectorbt


def equity_and_turnover(price, target, fee):
    """Equity after each day's orders and currency traded, shape (days,), from one unit of cash."""
    frame = pd.DataFrame(price)
    portfolio = vectorbt.Portfolio.from_orders(
        close=frame, size=target, size_type="targetpercent", direction="both", price=frame,
        fees=fee, init_cash=1.0, cash_sharing=True, group_by=True, call_seq="auto", freq="1D",
    )  # fmt: skip
    orders = portfolio.orders.records
    traded = np.bincount(orders["idx"], orders["size"] * orders["price"], minlength=len(price))
    return portfolio.value().to_numpy(), traded


def main(cases, results):
    given = np.load(cases)
    told = {}
    for case in sorted({name.split()[0] for name in given}):
        equity, traded = equity_and_turnover(
            *(given[f"{case} {n}"] for n in ("price", "target", "fee"))
        )
        told |= {f"{case} equity": equity, f"{case} traded": traded}
    np.savez(results, **told)


if __name__ == "__main__":
    main(*sys.argv[1:])
