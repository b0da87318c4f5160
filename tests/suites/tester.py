"""Runs scim2-tester at one SCIM base URL: `tester.py URL`, the token in the environment as SCIM_TOKEN.

Prints what did not go well, what was skipped and why, and how many checks ended how. Ends with 1 where a check failed, or
where no user was created at all, which would make the rest worth nothing.
"""

import collections
import os
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

# What the server says of a member is what it knows, whatever a client calls the member.
OWN_WORDS = ("display",)
GOOD = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


def is_known(result):
    """Whether the members differ in nothing but the server's own words for them."""
    data = result.data
    if not isinstance(data, dict) or data.get("urn") != "members":
        return False

    def plain(members):
        return [member.model_dump(exclude=set(OWN_WORDS)) for member in members or []]

    return plain(data.get("expected")) == plain(data.get("actual"))


def main():
    headers = {"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}"}
    with Client(base_url=sys.argv[1], headers=headers, timeout=60, trust_env=False) as http:
        results = check_server(SyncSCIMClient(http))
    known = [result for result in results if result.status not in GOOD and is_known(result)]
    for result in results:
        if result in known:
            print(f"known: {result.resource_type} {result.title}: the members' `display` is the server's own")
        elif result.status not in GOOD:
            words = " ".join(str(part) for part in (result.resource_type, result.title, result.reason) if part)
            print(f"{result.status.name}: {words[:400]}")
            if result.status != Status.SKIPPED and result.data is not None:
                print(f"  {str(result.data)[:600]}")
    ended = collections.Counter(result.status for result in results)
    print(f"scim2-tester: {len(results)} checks,", ", ".join(f"{ended[status]} {status.name}" for status in Status if ended[status]))
    created = [r for r in results if "crud:create" in r.tags and r.resource_type == "User" and r.status in GOOD]
    failed = sum(count for status, count in ended.items() if status not in GOOD | {Status.SKIPPED})
    sys.exit(1 if failed > len(known) or not created else 0)


main()
