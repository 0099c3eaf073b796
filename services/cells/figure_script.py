"""Copy a figure as Python: a script over caveclient that draws with plotly what the page draws, as `figure`."""

from __future__ import annotations

from collections.abc import Mapping

from services.core.directions import Direction

NEUTRAL = "#8a9699"
"""Of what has no colour, as on the page."""

_BY_TYPE = """
import plotly.graph_objects as go

colours = {colours!r}


def synapses_by_type(frame):
    \"\"\"Synapses with the partners of each type.\"\"\"
    return frame['num_syn'].groupby(frame[{column!r}].astype(object).fillna({blank!r}).astype(str)).sum()


counted = pd.DataFrame({{'input': synapses_by_type(inputs), 'output': synapses_by_type(outputs)}}).fillna(0).astype(int)
typed = sorted(counted.index.drop({blank!r}, errors='ignore'))
counted = counted.loc[[*typed, *counted.index.intersection([{blank!r}])]]
longest = (counted.loc[typed] if typed else counted).max().clip(lower=1)
figure = go.Figure()
for side, axis in (('input', 'x'), ('output', 'x2')):
    figure.add_bar(
        y=counted.index, x=counted[side].clip(upper=longest[side]), text=counted[side].map('{{:,}}'.format),
        orientation='h', name=side + ' synapses', xaxis=axis, textposition='outside', cliponaxis=False,
        marker_color=[colours.get(label, {neutral!r}) for label in counted.index],
    )
figure.update_layout(
    title={{'text': {title!r}, 'font': {{'size': 12}}}}, template='simple_white', showlegend=False,
    yaxis={{'autorange': 'reversed', 'type': 'category'}},
    xaxis={{'title': 'input synapses (own scale)', 'range': [1.5 * longest['input'], 0], 'domain': [0, 0.5]}},
    xaxis2={{'title': 'output synapses (own scale)', 'range': [0, 1.5 * longest['output']], 'domain': [0.5, 1]}},
)
"""


def by_type(scripts: Mapping[Direction, str], title: str, column: str, colours: Mapping[str, str], blank: str) -> str:
    """The bars of synapses by type of the partner.

    `scripts` yield the partners of each direction as `frame` (see :mod:`partner_script`), `column` is that of their
    types, `colours` gives "#rrggbb" for a type, `blank` is the name of none. The script needs plotly, too.
    """
    read = [f"{scripts[way]}\n{way.noun}s = frame\n" for way in Direction]
    drawing = _BY_TYPE.format(colours=dict(colours), column=column, blank=blank, neutral=NEUTRAL, title=title)
    return "\n".join([*read, drawing])
