"""The HTML around what people read: self-contained, light and dark, on a screen or on paper."""

from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: #1d2129; --soft: #565e6c; --paper: #fff; --line: #d5d9e0; --shade: #f2f4f7;
  --good: #1a6d3a; --bad: #a5281b; --bar: #2f6db3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --soft: #a9b1bf; --paper: #15181d; --line: #3a404a;
  --shade: #20242b; --good: #6fcf8f; --bad: #ff9d8f; --bar: #6aa7e8; } }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  padding: 1.5rem 1rem 4rem; max-width: 62rem; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
p, ul { margin: .5rem 0; } .soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); }
pre { background: var(--shade); border: 1px solid var(--line); border-radius: 6px; padding: .7rem .8rem;
  margin: .5rem 0; white-space: pre-wrap; font-size: .88rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; } .track { background: var(--shade); width: 12rem; height: .8rem; border-radius: 3px; }
.fill { background: var(--bar); height: 100%; border-radius: 3px; }
details { margin: .6rem 0; } summary { cursor: pointer; }
@media print { .fill { print-color-adjust: exact; } }
"""


def page(title: str, body: str) -> str:
    """A whole page; ``body`` is HTML, the title is not."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<style>{STYLE}</style></head>\n<body><main>\n<h1>{escape(title)}</h1>\n{body}\n</main></body></html>\n"
    )


def table(caption: str, header: list[str], rows: list[list[str]]) -> str:
    """A table whose cells are HTML already; a column whose head starts with # is one of numbers."""
    kinds = ["n" if name.startswith("#") else "" for name in header]
    mark = [f' class="{kind}"' if kind else "" for kind in kinds]
    heads = "".join(f'<th scope="col"{m}>{escape(h.lstrip("#"))}</th>' for h, m in zip(header, mark, strict=True))
    lines = [
        "<tr>" + "".join(f"<td{m}>{cell}</td>" for cell, m in zip(row, mark, strict=True)) + "</tr>" for row in rows
    ]
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def bar(part: float, whole: float) -> str:
    """A bar beside its number, so that nothing hangs on seeing it."""
    share = 100 * part / whole if whole else 0
    return f'<div class="track" aria-hidden="true"><div class="fill" style="width:{share:.0f}%"></div></div>'
