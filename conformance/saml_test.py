"""pysaml2, with xmlsec1, in the versions that Debian has."""

import base64
import http.cookiejar
import html
import json
import os
import re
import ssl
import tempfile
import unittest
import unittest.mock
import urllib.parse
import urllib.request
import uuid

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, BINDING_SOAP
from saml2.client import Saml2Client
from saml2.config import Config
from saml2.response import StatusError
from saml2.sigver import SignatureError

with open(os.environ["POSTERN_CONFORMANCE"], encoding="utf-8") as file:
    TENANT = json.load(file)
BASE = f"{TENANT['publicUrl']}/{TENANT['tenantId']}"
RSA = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA = "http://www.w3.org/2001/04/xmlenc#sha256"
METADATA = f"{BASE}/federationmetadata/2007-06/federationmetadata.xml"


def graph(method, path, body):
    form = {
        "grant_type": "client_credentials",
        "client_id": TENANT["clientId"],
        "client_secret": TENANT["clientSecret"],
        "scope": f"{TENANT['publicUrl']}/.default",
    }
    with urllib.request.urlopen(f"{BASE}/oauth2/v2.0/token", urllib.parse.urlencode(form).encode()) as answer:
        token = json.load(answer)["access_token"]
    request = urllib.request.Request(
        f"{TENANT['publicUrl']}/v1.0{path}",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or "null")


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Somebody:
    """A person at a browser without scripts."""

    def __init__(self, domain=TENANT["domain"]):
        nick = f"py-{uuid.uuid4().hex[:8]}"
        self.name = f"{nick}@{domain}"
        user = {"accountEnabled": True, "displayName": "Mira Okafor", "mailNickname": nick, "userPrincipalName": self.name}
        self.id = graph("POST", "/users", user)["id"]
        self.steps = []
        passes = f"/users/{self.id}/authentication/temporaryAccessPassMethods"
        self.code = graph("POST", passes, {})["temporaryAccessPass"]
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(Stay, cookies, urllib.request.HTTPSHandler(context=ssl.create_default_context()))

    def follow(self, url, form=None):
        """Goes on until a request would leave Postern, and returns its address and fields."""
        for _ in range(20):
            if not url.startswith(TENANT["publicUrl"]):
                return url, form
            data = urllib.parse.urlencode(form).encode() if form is not None else None
            try:
                with self.opener.open(url, data) as answer:
                    page = answer.read().decode()
            except urllib.error.HTTPError as answer:
                if answer.code not in (302, 303):
                    raise AssertionError(re.findall('data-error="([^"]*)"', answer.read().decode()) or answer) from answer
                url, form = urllib.parse.urljoin(url, answer.headers["Location"]), None
                continue
            if refused := re.findall('data-error="([^"]+)"', page):
                raise AssertionError(refused)
            if led := re.search('http-equiv="refresh" content="0; url=([^"]*)"', page):
                url, form = urllib.parse.urljoin(url, html.unescape(led.group(1))), None
                continue
            shown = re.search(r'<form [^>]*action="([^"]*)".*?</form>', page, re.S)
            pairs = re.findall('<input type="hidden" name="([^"]*)" value="([^"]*)">', shown.group(0))
            form = {html.unescape(name): html.unescape(value) for name, value in pairs}
            step = re.search('data-step="([^"]*)"', page).group(1)
            self.steps.append(step)
            typed = {"identify": {"username": self.name}, "accesspass": {"accesspass": self.code}, "stay": {"stay": "no"}}
            form.update(typed.get(step, {}))
            url = urllib.parse.urljoin(url, html.unescape(shown.group(1)))
        raise AssertionError("the pages lead in a circle")


class Provider(unittest.TestCase):
    """Tests with a service provider."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.key, self.certificate = f"{folder.name}/key.pem", f"{folder.name}/cert.pem"
        command = f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {self.key} -out {self.certificate} -subj /CN=py -days 2 2>/dev/null"
        self.assertEqual(os.system(command), 0)
        host = f"https://{uuid.uuid4().hex}.example"
        self.entity, self.acs, self.slo = f"{host}/sp", f"{host}/acs", f"{host}/slo"
        with open(self.certificate, encoding="ascii") as pem:
            self.der = base64.b64encode(ssl.PEM_cert_to_DER_cert(pem.read())).decode()
        self.metadata = f"{folder.name}/idp.xml"
        with urllib.request.urlopen(METADATA) as answer, open(self.metadata, "wb") as kept:
            kept.write(answer.read())

    def register(self, encrypted=False, **settings):
        credential = {"type": "AsymmetricX509Cert", "key": self.der}
        encryption = str(uuid.uuid4())
        app = {
            "displayName": "pysaml2",
            "identifierUris": [self.entity],
            "postern_saml": settings,
            "web": {"redirectUris": [self.acs], "logoutUrl": self.slo},
            "keyCredentials": [{**credential, "usage": "Verify"}, {**credential, "usage": "Encrypt", "keyId": encryption}],
        }
        if encrypted:
            app["tokenEncryptionKeyId"] = encryption
        app = graph("POST", "/applications", app)
        graph("POST", "/servicePrincipals", {"appId": app["appId"], "preferredSingleSignOnMode": "saml"})
        return app

    def client(self):
        config = Config()
        config.load(
            {
                "entityid": self.entity,
                "xmlsec_binary": "/usr/bin/xmlsec1",
                "key_file": self.key,
                "cert_file": self.certificate,
                "encryption_keypairs": [{"key_file": self.key, "cert_file": self.certificate}],
                "metadata": {"local": [self.metadata]},
                "allow_unknown_attributes": True,
                "accepted_time_diff": 60,
                "service": {
                    "sp": {
                        "authn_requests_signed": True,
                        "logout_requests_signed": True,
                        "want_assertions_signed": True,
                        "want_response_signed": False,
                        "endpoints": {
                            "assertion_consumer_service": [(self.acs, BINDING_HTTP_POST)],
                            "single_logout_service": [(self.slo, BINDING_HTTP_REDIRECT)],
                        },
                    }
                },
            }
        )
        return Saml2Client(config=config)

    def ask(self, client, somebody, binding=BINDING_HTTP_REDIRECT):
        """Signs somebody in; returns the id of the request and the answer's fields."""
        request, _, info = client.prepare_for_negotiated_authenticate(
            f"{BASE}/", relay_state="state", binding=binding, sign=True, sigalg=RSA, digest_alg=SHA
        )
        if binding == BINDING_HTTP_REDIRECT:
            address, fields = somebody.follow(dict(info["headers"])["Location"])
        else:
            pairs = re.findall('name="(SAMLRequest|RelayState)" value="([^"]*)"', str(info["data"]))
            address, fields = somebody.follow(f"{BASE}/saml2", {name: html.unescape(value) for name, value in pairs})
        self.assertEqual(address, self.acs)
        return request, fields

    def leave(self, client, answer, binding):
        return client.do_logout(
            answer.get_subject(), [answer.issuer()], "", None, sign=True, expected_binding=binding, sign_alg=RSA, digest_alg=SHA
        )


class SAML(Provider):
    def test_signs_in_by_redirect_and_by_post_and_out(self):
        self.register()
        client, somebody = self.client(), Somebody()
        for binding in (BINDING_HTTP_REDIRECT, BINDING_HTTP_POST):
            request, fields = self.ask(client, somebody, binding)
            answer = client.parse_authn_request_response(fields["SAMLResponse"], BINDING_HTTP_POST, {request: "/"})
            self.assertEqual(answer.get_subject().text, somebody.name)
            claims = answer.ava
            self.assertIn([somebody.id], claims.values(), claims)
        [(_, (_, info))] = self.leave(client, answer, BINDING_HTTP_REDIRECT).items()
        address, _ = somebody.follow(dict(info["headers"])["Location"])
        self.assertTrue(address.startswith(self.slo), address)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        out = client.parse_logout_request_response(query["SAMLResponse"], BINDING_HTTP_REDIRECT)
        self.assertTrue(out.status_ok())

    def test_signs_out_between_servers(self):
        self.register()
        client, somebody = self.client(), Somebody()
        request, fields = self.ask(client, somebody)
        answer = client.parse_authn_request_response(fields["SAMLResponse"], BINDING_HTTP_POST, {request: "/"})
        # pysaml2 writes what stands in a SOAP body anew, with other prefixes, which a signature doesn't survive.
        with unittest.mock.patch("saml2.soap.parse_soap_enveloped_saml_logout_response", lambda text: re.search("<soap:Body>(.*)</soap:Body>", text)[1]):
            [out] = self.leave(client, answer, BINDING_SOAP).values()
        self.assertTrue(out.status_ok())
        request, _, info = client.prepare_for_negotiated_authenticate(
            f"{BASE}/", binding=BINDING_HTTP_REDIRECT, sign=True, sigalg=RSA, digest_alg=SHA, is_passive="true"
        )
        _, fields = somebody.follow(dict(info["headers"])["Location"])
        with self.assertRaises(StatusError):  # the browser has no session any more
            client.parse_authn_request_response(fields["SAMLResponse"], BINDING_HTTP_POST, {request: "/"})

    def test_reads_an_encrypted_assertion_in_a_signed_response(self):
        self.register(encrypted=True, sign="both", nameIdFormat="transient")
        client, somebody = self.client(), Somebody()
        request, fields = self.ask(client, somebody)
        self.assertNotIn(b"NameID", base64.b64decode(fields["SAMLResponse"]))
        answer = client.parse_authn_request_response(fields["SAMLResponse"], BINDING_HTTP_POST, {request: "/"})
        self.assertNotEqual(answer.get_subject().text, somebody.name)

    def test_believes_nothing_that_was_changed(self):
        self.register()
        client, somebody = self.client(), Somebody()
        request, fields = self.ask(client, somebody)
        forged = base64.b64decode(fields["SAMLResponse"]).replace(somebody.name.encode(), b"admin@contoso.example")
        with self.assertRaises((SignatureError, StatusError)):
            client.parse_authn_request_response(base64.b64encode(forged).decode(), BINDING_HTTP_POST, {request: "/"})


if __name__ == "__main__":
    unittest.main()
