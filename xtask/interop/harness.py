"""What every scripted round shares: cases, their lines, and the counts at the end.

A round is a program that takes `--bootstrap HOST:PORT` and plays one foreign client against
whatever Kafka-compatible broker answers there. It prints one line a case (name, PASS, FAIL or
SKIP, seconds, note) and at the end 'N passed, N failed, N skipped'; it fails when a case failed.
Every case makes topics of its own, so that rounds may share a broker.
"""
import argparse
import asyncio
import os
import subprocess
import sys
import time
import traceback
import uuid

_cases = []


def case(function):
    """Registers a function, plain or async, as a case. It passes when it returns."""
    _cases.append(function)
    return function


class Skip(Exception):
    """Raised by a case that does not apply, with the reason."""


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", default="127.0.0.1:9092")
    parser.add_argument("--run", default="", help="only cases whose name contains this")
    parser.add_argument("--verbose", action="store_true", help="print the trace of a failure")
    return parser.parse_args()


_arguments = None


def bootstrap():
    """HOST:PORT of the broker under test."""
    global _arguments
    if _arguments is None:
        _arguments = arguments()
    return _arguments.bootstrap


def topic(prefix="interop"):
    """A name nobody else has."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def equal(found, wanted, what=""):
    """Fails, showing both, when they differ."""
    if found != wanted:
        raise AssertionError(f"{what + ': ' if what else ''}found {found!r}, wanted {wanted!r}")


def contains(text, *parts):
    """Fails when one of the parts is not in the text."""
    for part in parts:
        if part not in text:
            raise AssertionError(f"no {part!r} in {text[-1500:]!r}")


def raises(kinds, function, *positional, **named):
    """Fails unless the call raises one of the kinds; gives what it raised."""
    try:
        result = function(*positional, **named)
    except kinds as error:
        return error
    raise AssertionError(f"no error, but {result!r}")


def eventually(check, seconds=10):
    """Repeats the check until it holds: Apache Kafka answers an admin call before its brokers know."""
    end = time.monotonic() + seconds
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


async def eventually_async(check, seconds=10):
    """The same for an async check."""
    end = time.monotonic() + seconds
    while True:
        try:
            return await check()
        except AssertionError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.1)


def run(command, text_in=None, fails=False, timeout=60):
    """Runs a program, gives what it printed, and fails when its exit status is not as wanted."""
    done = subprocess.run(
        command, input=text_in, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
        stdin=subprocess.DEVNULL if text_in is None else None, encoding="utf-8", errors="replace")
    if (done.returncode != 0) != fails:
        shown = " ".join(str(word) for word in command)
        raise AssertionError(f"`{shown}`: exit status {done.returncode}: {done.stdout[-1500:]}")
    return done.stdout


def main():
    """Runs every case registered, one after the other."""
    bootstrap()
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    for function in _cases:
        if _arguments.run not in function.__name__:
            continue
        began, note = time.monotonic(), ""
        try:
            result = function()
            if asyncio.iscoroutine(result):
                asyncio.run(asyncio.wait_for(result, 60))
            state = "PASS"
        except Skip as reason:
            state, note = "SKIP", str(reason)
        except Exception as error:  # whatever a client raises is a finding, not the round's end
            state, note = "FAIL", f"{type(error).__name__}: {error}"
            where = traceback.extract_tb(error.__traceback__)
            own = [frame.lineno for frame in where if os.path.basename(frame.filename).startswith("round_")]
            note = f"line {own[-1] if own else '?'}: " + note
            if _arguments.verbose:
                traceback.print_exc()
        counts[state] += 1
        seconds = time.monotonic() - began
        note = " ".join(note.split())[:600]
        print(f"{function.__name__:48} {state:7} {seconds:7.2f}  {note}".rstrip(), flush=True)
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped", flush=True)
    # A client's threads that will not end must not keep the round from ending.
    sys.stdout.flush()
    os._exit(1 if counts["FAIL"] or not counts["PASS"] else 0)
