"""Make ``buildings.csv``, the table of the ten-minute start, out of two regimes.

Buildings are heated when it is cold and cooled when it is warm. What a day's electricity
depends on differs between the two, and so does how well it can be foretold.
"""

from pathlib import Path

import numpy as np
import pandas as pd

N_DAYS = 900
rng = np.random.default_rng(0)

kind = rng.choice(["office", "school", "shop"], size=N_DAYS)
area = rng.gamma(6, 300, size=N_DAYS).round(-1)
temperature = rng.normal(14, 8, size=N_DAYS).round(1)
occupancy = rng.uniform(0.2, 1, size=N_DAYS).round(2)

heated = 200 - 8 * temperature + 0.03 * area + 30 * (kind == "school")
cooled = 60 + 9 * (temperature - 12) + 60 * occupancy + 40 * (kind == "shop")
is_cooled = rng.uniform(size=N_DAYS) < 1 / (1 + np.exp((17 - temperature) / 0.7))
noise = np.where(is_cooled, 15, 8) * rng.standard_normal(N_DAYS)
kwh = np.where(is_cooled, cooled, heated) + noise

table = pd.DataFrame(
    {
        "kind": kind,
        "area": area.astype(int),
        "temperature": temperature,
        "occupancy": np.where(rng.uniform(size=N_DAYS) < 0.08, np.nan, occupancy),
        "kwh": kwh.round(1),
    }
)
table.to_csv(Path(__file__).with_name("buildings.csv"), index=False)
