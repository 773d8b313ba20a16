"""MSAL for Python, in the version that Debian has."""

import json
import os
import unittest
import urllib.request

import msal

with open(os.environ["POSTERN_CONFORMANCE"], encoding="utf-8") as file:
    TENANT = json.load(file)
AUTHORITY = f"{TENANT['publicUrl']}/{TENANT['tenantId']}"


def application(secret):
    # instance_discovery=False: Microsoft is not asked whether the authority is one of theirs.
    return msal.ConfidentialClientApplication(
        TENANT["clientId"], client_credential=secret, authority=AUTHORITY, instance_discovery=False
    )


class MSAL(unittest.TestCase):
    def test_a_secret_gets_a_token_that_is_kept(self):
        app = application(TENANT["clientSecret"])
        scopes = [f"{TENANT['publicUrl']}/.default"]
        first = app.acquire_token_for_client(scopes)
        self.assertIn("access_token", first, first)
        request = urllib.request.Request(
            f"{TENANT['publicUrl']}/v1.0/users?$top=1",
            headers={"Authorization": f"Bearer {first['access_token']}"},
        )
        with urllib.request.urlopen(request) as answer:
            self.assertEqual(answer.status, 200)
        self.assertEqual(app.acquire_token_silent(scopes, None)["access_token"], first["access_token"])

    def test_a_wrong_secret_is_refused(self):
        refused = application("wrong").acquire_token_for_client([f"{TENANT['publicUrl']}/.default"])
        self.assertEqual(refused["error"], "invalid_client")
        self.assertEqual(refused["error_codes"], [7000215])


if __name__ == "__main__":
    unittest.main()
