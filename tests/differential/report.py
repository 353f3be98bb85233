# SPDX-License-Identifier: BSD-3-Clause
"""What a suite says about a test: `ok NAME`, or `not ok NAME - why` and the details."""
import time


class Difference(Exception):
    """The peer and hearthd have answered differently; the first line of the text is the reason, the rest details."""


def show(data, most=300):
    """`data` as a literal, cut short."""
    text = repr(data)[1:] if isinstance(data, bytes) else repr(data)
    return text if len(text) <= most else f'{text[:most]}... ({len(data)} bytes)'


def report(name, test, *arguments):
    """Runs a test, which returns what it has compared, and says how it ended. Returns whether it was good."""
    begin = time.monotonic()
    try:
        count = test(*arguments)
    except Difference as difference:
        print(f'not ok {name} - ' + str(difference).split('\n', 1)[0], flush=True)
        print(difference, flush=True)
        return False
    except Exception as error:  # a server that is gone, a reply that is none
        print(f'not ok {name} - {type(error).__name__}: {error}', flush=True)
        raise
    print(f'ok {name}', flush=True)
    print(f'{count} compared in {time.monotonic() - begin:.1f} s', flush=True)
    return True
