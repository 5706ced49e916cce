"""The links in messages, as the settings ask for them.

In: the one way in which settings become links, for messages that leave and for the page that reads them.
Not in: how a link is signed (correspondence/links.py).
"""

from config.secrets import secret_keys
from config.settings import Settings
from correspondence.links import Links


def links_of(settings: Settings) -> Links | None:
    """Makes the links of this installation; None where nobody said under which address it is reached.

    Raises ConfigurationFault for a key that cannot be used.
    """
    url = settings.console.public_url
    return Links(url, secret_keys(settings), settings.link_days) if url else None
