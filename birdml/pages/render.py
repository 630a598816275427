"""Pages of HTML that need no network: Jinja templates beside the code that fills them.

Style and script are inside. Whatever a template shows is escaped, but for charts, which are
`Markup` already.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent


def render(template: Path, **values: object) -> str:
    """The HTML of a template that extends `base.html`; a name that it lacks is an error."""
    environment = Environment(
        loader=FileSystemLoader([template.parent, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style, script = ((HERE / name).read_text("utf-8") for name in ("page.css", "page.js"))
    return environment.get_template(template.name).render(style=style, script=script, **values)
