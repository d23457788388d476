"""Every page of the UI, read from where the UI itself has them, so that a new one is visited too."""

import re
from pathlib import Path

_UI = Path(__file__).parents[2] / "ui/src"
_PAGES = re.findall(r'\["(/[^"]*)", "\w+/\w+"', (_UI / "app.tsx").read_text())
PLACES = sorted(path for path in _PAGES if ":" not in path)
"""Those that need no id."""
ALERT_TABS = re.findall(r'value="(\w+)"><', (_UI / "pages/alerts/AlertsPage.tsx").read_text())
"""The tabs of the page of alerts."""
TABS = re.findall(r'\{ key: "(\w+)", needs:', (_UI / "pages/stations/StationPage.tsx").read_text())
"""The tabs of a station's page."""
