"""Recall against QPS as an SVG: a panel a mode, log QPS upwards, one line an engine, labelled at its end."""
import math

# Okabe and Ito's palette, told apart by the colour-blind; a marker each besides.
STYLE = {"tessera": ("#000000", "circle"), "faiss": ("#0072B2", "square"), "hnswlib": ("#D55E00", "diamond"),
         "scann": ("#009E73", "up"), "lancedb": ("#CC79A7", "down")}
LABEL = {"tessera": "Tessera", "faiss": "Faiss", "hnswlib": "hnswlib", "scann": "ScaNN", "lancedb": "LanceDB"}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP, RIGHT = 430, 330, 70, 64, 84, 60, 20
TICKS = [0.80, 0.90, 0.95, 0.98, 0.99, 0.999]


def across(recall):
    """0.80 to 0.999, stretched towards 1: the distance from 1 on a log scale."""
    low, high = -math.log10(1 - 0.80), -math.log10(1 - 0.9991)
    return WIDTH * (-math.log10(1 - min(recall, 0.9991)) - low) / (high - low)


class Panel:
    def __init__(self, title, left, low, high):
        self.title, self.left, self.low, self.high = title, left, low, high

    def height(self, rate):
        return TOP + HEIGHT * (1 - (math.log10(rate) - self.low) / (self.high - self.low))

    def frame(self):
        yield text(self.left + WIDTH / 2, TOP - 12, self.title, "middle", 14, "bold")
        for recall in TICKS:
            x = self.left + across(recall)
            yield line(x, TOP, x, TOP + HEIGHT)
            yield text(x, TOP + HEIGHT + 18, f"{recall:g}", "middle")
        for power in range(self.low, self.high + 1):
            for rate in (10 ** power, 2 * 10 ** power, 5 * 10 ** power):
                if math.log10(rate) <= self.high:
                    y = self.height(rate)
                    yield line(self.left, y, self.left + WIDTH, y)
                    yield text(self.left - 7, y + 4, f"{rate:,}", "end")
        yield text(self.left + WIDTH / 2, TOP + HEIGHT + 40, "recall@10 (scaled towards 1)", "middle")

    def draw(self, engine, front):
        colour, shape = STYLE[engine]
        spots = [(self.left + across(recall), self.height(rate)) for recall, rate, _ in front if recall >= 0.80]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for x, y in spots:
            yield marker(shape, x, y, colour)


def line(x1, y1, x2, y2):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'


def text(x, y, words, anchor="start", size=12, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
            f'fill="#222222">{words}</text>')


def marker(shape, x, y, colour):
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{colour}"/>'
    corners = {"square": [(-3.2, -3.2), (3.2, -3.2), (3.2, 3.2), (-3.2, 3.2)], "diamond": [(0, -4.6), (4.6, 0), (0, 4.6), (-4.6, 0)],
               "up": [(0, -4.4), (4.2, 3.4), (-4.2, 3.4)], "down": [(0, 4.4), (4.2, -3.4), (-4.2, -3.4)]}[shape]
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{points}" fill="{colour}"/>'


def legend(engines, y):
    for number, engine in enumerate(engines):
        x, (colour, shape) = LEFT + number * 130, STYLE[engine]
        yield f'<line x1="{x}" y1="{y}" x2="{x + 26}" y2="{y}" stroke="{colour}" stroke-width="2"/>'
        yield marker(shape, x + 13, y, colour)
        yield text(x + 34, y + 4, LABEL[engine], size=13)


def svg(title, panels):
    """`panels`: a list of (title, {engine: front})."""
    rates = [rate for _, fronts in panels for front in fronts.values() for recall, rate, _ in front if recall >= 0.80]
    low, high = math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)))
    width, height = LEFT + len(panels) * (WIDTH + GAP) - GAP + RIGHT, TOP + HEIGHT + BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
             'font-family="Helvetica, Arial, sans-serif">', f'<rect width="{width}" height="{height}" fill="white"/>',
             text(LEFT, 24, title, size=16, weight="bold")]
    for number, (name, fronts) in enumerate(panels):
        panel = Panel(f"QPS, {name}", LEFT + number * (WIDTH + GAP), low, high)
        parts += panel.frame()
        for engine, front in fronts.items():
            parts += panel.draw(engine, front)
    present = [engine for engine in STYLE if any(engine in fronts for _, fronts in panels)]
    parts += legend(present, height - 18)
    return "\n".join(parts) + "\n</svg>\n"
