"""Figures as SVG: a panel for each shape, a row for each system.

Where values are near each other they are bars from nothing; where they are not, the axis is
logarithmic, which has no nothing, and they are dots.

The text stays text, and the colours follow the reader's preference for light or dark.
"""
import dataclasses
import html
import math
import textwrap

WIDTH = 760
LABELS = 184  # the left column
BARS = 376  # the longest bar
ROW = 22
BAR = 12
DOT = 5  # radius
HEAD = 32  # of a panel: its name
TITLE = 20  # a line of it
TITLE_COLUMNS = 76
AXIS = 14  # the numbers below a logarithmic panel
FOOT = 14
LOG_FROM = 10  # the most by the least from which a panel is logarithmic

STYLE = """
  svg { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .faint { fill: #59636e; font-size: 11px }
  .title { font-size: 15px; font-weight: 600 } .shape { font-weight: 600 }
  .value { font-size: 12px; font-variant-numeric: tabular-nums;
           paint-order: stroke; stroke: #ffffff; stroke-width: 3px }
  .floor { fill: #b7bec7 } .ours { fill: #1f6feb } .peer { fill: #d9904a }
  .spread { stroke: #1f2328; stroke-width: 1 }
  .mark { stroke: #1a7f37; stroke-width: 2 }
  .grid { stroke: #d8dee4; stroke-width: 1 }
  .goal { stroke-dasharray: 2 2 } .marked { fill: #1a7f37; font-size: 11px }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .value { stroke: #0d1117 }
    .ink { fill: #e6edf3 } .faint { fill: #9198a1 }
    .floor { fill: #59636e } .ours { fill: #58a6ff } .peer { fill: #c77d3c }
    .spread { stroke: #e6edf3 } .mark { stroke: #3fb950 } .marked { fill: #3fb950 }
    .grid { stroke: #2a313c }
  }"""


@dataclasses.dataclass
class Bar:
    label: str
    kind: str  # floor, ours or peer
    value: float = None  # None: there is no figure
    least: float = None
    most: float = None
    text: str = "–"


@dataclasses.dataclass
class Panel:
    name: str
    bars: list
    marks: dict  # must or goal → the value
    marked: list = dataclasses.field(default_factory=list)  # labels of the rows they are for


class Scale:
    """From a value to its place; logarithmic when the values differ much."""

    def __init__(self, values):
        positive = [value for value in values if value > 0]
        self.most = max(positive, default=1)
        least = min(positive, default=1)
        self.is_log = self.most / least >= LOG_FROM
        # The least value has room on its left.
        self.from_log = math.floor(math.log10(least / 1.3))
        self.to_log = math.log10(self.most)

    def __call__(self, value):
        if not self.is_log:
            share = value / self.most
        elif value <= 0:
            share = 0
        else:
            share = (math.log10(value) - self.from_log) / (self.to_log - self.from_log)
        return LABELS + BARS * min(max(share, 0), 1)

    def powers(self):
        """The powers of ten within a logarithmic scale."""
        if not self.is_log:
            return []
        return [10.0**power for power in range(self.from_log, math.floor(self.to_log) + 1)]


def text(x, y, words, kind, anchor="start"):
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}"{at}>{html.escape(words)}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def bar_of(bar, y, scale):
    if bar.value is None:
        return []
    middle = y + ROW / 2
    end = scale(bar.value)
    parts = [f'<circle cx="{end:.1f}" cy="{middle:.1f}" r="{DOT}" class="{bar.kind}"/>'
             if scale.is_log else
             f'<rect x="{LABELS}" y="{middle - BAR / 2:.1f}" width="{end - LABELS:.1f}" '
             f'height="{BAR}" rx="2" class="{bar.kind}"/>']
    if bar.most > bar.least:
        left, right = scale(bar.least), scale(bar.most)
        parts += [line(left, middle, right, middle, "spread"),
                  line(left, middle - 3, left, middle + 3, "spread"),
                  line(right, middle - 3, right, middle + 3, "spread")]
    return parts


def words_of(bar, y, scale, marks):
    """Its name and its figure, and its marks in words, which go over everything else."""
    end = max([LABELS] if bar.value is None else
              [scale(value) for value in (bar.value, bar.most, *marks.values())])
    figure = html.escape(bar.text)
    if marks:
        wanted = ", ".join(f"{name} {value:.3g}" for name, value in marks.items())
        figure += f'<tspan class="marked" dx="6">{html.escape(wanted)}</tspan>'
    return [text(LABELS - 10, y + ROW / 2 + 4, bar.label, "ink", "end"),
            f'<text x="{end + 8:.1f}" y="{y + ROW / 2 + 4:.1f}" class="ink value">{figure}</text>']


def marks_of(marks, y, scale):
    """Thin lines across the row that has to meet them."""
    return [line(scale(value), y + 1, scale(value), y + ROW - 1, f"mark {name}")
            for name, value in marks.items()]


def grid_of(scale, top, bottom):
    parts = [text(WIDTH - 16, top + 20, "logarithmic", "faint", "end")] if scale.is_log else []
    for power in scale.powers():
        parts += [line(scale(power), top + HEAD - 4, scale(power), bottom, "grid"),
                  text(scale(power), bottom + AXIS - 2, f"{power:g}", "faint", "middle")]
    return parts


def panel_of(panel, top):
    """Its elements, and where the next one begins."""
    values = [value for bar in panel.bars if bar.value is not None
              for value in (bar.least, bar.most)]
    scale = Scale([*values, *panel.marks.values()])
    bottom = top + HEAD + ROW * len(panel.bars)
    rows = [(bar, top + HEAD + ROW * number, panel.marks if bar.label in panel.marked else {})
            for number, bar in enumerate(panel.bars)]
    parts = [text(16, top + 20, panel.name, "ink shape"), *grid_of(scale, top, bottom)]
    for bar, y, marks in rows:
        parts += bar_of(bar, y, scale)
        parts += marks_of(marks, y, scale)
    for bar, y, marks in rows:
        parts += words_of(bar, y, scale, marks)
    return parts, bottom + (AXIS if scale.is_log else 0)


def svg(title, panels):
    """The whole plot, as the text of a file."""
    lines = textwrap.wrap(title, TITLE_COLUMNS)
    parts = [text(16, 26 + TITLE * number, words, "ink title")
             for number, words in enumerate(lines)]
    top = FOOT + TITLE * len(lines)
    for panel in panels:
        elements, top = panel_of(panel, top)
        parts += elements
    height = top + FOOT
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-label="{html.escape(title)}">',
        f"<style>{STYLE}\n</style>", f'<rect width="{WIDTH}" height="{height}" class="paper"/>',
        *parts, "</svg>", ""])
