"""Values that may be undefined, and windows of them."""

from __future__ import annotations

import math

EPS = 1e-12
Value = float | None


def quotient(a: Value, b: Value) -> Value:
    return None if a is None or b is None or abs(b) < EPS else a / b


def back(x: list, t: int, k: int):
    return x[t - k] if t - k >= 0 else None


def minus(a: Value, b: Value) -> Value:
    return None if a is None or b is None else a - b


def rolling(x: list[float], n: int, f) -> list[Value]:
    return [f(x[t - n + 1 : t + 1]) if t + 1 >= n else None for t in range(len(x))]


def mean(x: list[float]) -> float:
    return math.fsum(x) / len(x)


def deviation(x: list[float]) -> float:
    m = mean(x)
    return math.sqrt(math.fsum((v - m) ** 2 for v in x) / len(x))
