"""pysaml2 as the identity provider of a federated domain, and of an application behind Postern."""

import base64
import datetime
import re
import tempfile
import time
import unittest
import unittest.mock
import urllib.error
import urllib.parse
import urllib.request
import uuid

import saml_test
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, BINDING_SOAP
from saml2.config import IdPConfig
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.sigver import verify_redirect_signature
from saml_test import BASE, RSA, SHA, Somebody, graph

PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
MFA = "https://refeds.org/profile/mfa"
EPPN = "urn:oid:1.3.6.1.4.1.5923.1.1.1.6"
METADATA = f"{BASE}/federation/saml/metadata"


class Clock:
    """Moves pysaml2's clock by seconds, while it answers."""

    def __init__(self, seconds):
        now, off = time.gmtime, datetime.timedelta(seconds=seconds)

        class Moved(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return datetime.datetime.utcnow() + off

        self.patches = [
            unittest.mock.patch("saml2.time_util.datetime", Moved),
            unittest.mock.patch("saml2.time_util.time.gmtime", lambda at=None: now(time.time() + seconds if at is None else at)),
        ]

    def __enter__(self):
        for one in self.patches:
            one.start()

    def __exit__(self, *_):
        for one in self.patches:
            one.stop()


class Key:
    """A key with its certificate, good for some seconds."""

    def __init__(self, folder, seconds=3600):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "upstream")])
        now = datetime.datetime.utcnow()
        ends = now + datetime.timedelta(seconds=seconds)
        begins = now - datetime.timedelta(hours=1)
        made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begins, ends).sign(key, hashes.SHA256())
        self.key, self.certificate = (f"{folder}/{uuid.uuid4().hex}.pem" for _ in range(2))
        with open(self.key, "wb") as file:
            form = serialization.PrivateFormat.TraditionalOpenSSL
            file.write(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        with open(self.certificate, "wb") as file:
            file.write(made.public_bytes(serialization.Encoding.PEM))
        self.der = base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


class Upstream:
    """The identity provider of a domain. It signs by key, says context, and keeps what it was asked."""

    def __init__(self, folder):
        self.folder, self.context, self.off, self.asked, self.encrypted = folder, PASSWORD, 0, [], False
        self.sessions = {}  # by name: the id and the session that the last answer gave
        host = f"https://{uuid.uuid4().hex}.example"
        self.entity, self.sso, self.domain = f"{host}/idp", f"{host}/sso", f"{uuid.uuid4().hex[:8]}.example"
        self.slo, self.ended = f"{host}/slo", []
        self.key = Key(folder)
        self.metadata = f"{folder}/postern.xml"
        with urllib.request.urlopen(METADATA) as answer, open(self.metadata, "wb") as kept:
            kept.write(answer.read())
        graph("POST", "/domains", {"id": self.domain})
        graph("POST", f"/domains/{self.domain}/verify", {"postern_withoutDns": True})
        settings = {
            "displayName": "pysaml2",
            "preferredAuthenticationProtocol": "saml",
            "issuerUri": self.entity,
            "passiveSignInUri": self.sso,
            "signOutUri": self.slo,
            "signingCertificate": self.key.der,
            "postern_passBeforeFederation": False,
            "postern_claims": {"userPrincipalName": EPPN},
        }
        at = f"/domains/{self.domain}/federationConfiguration"
        self.configuration = f"{at}/{graph('POST', at, settings)['id']}"

    def set(self, **settings):
        graph("PATCH", self.configuration, settings)

    def server(self):
        config = IdPConfig()
        config.load(
            {
                "entityid": self.entity,
                "xmlsec_binary": "/usr/bin/xmlsec1",
                "key_file": self.key.key,
                "cert_file": self.key.certificate,
                "metadata": {"local": [self.metadata]},
                "service": {
                    "idp": {
                        "endpoints": {
                            "single_sign_on_service": [(self.sso, BINDING_HTTP_REDIRECT)],
                            "single_logout_service": [(self.slo, BINDING_HTTP_REDIRECT)],
                        },
                        "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": NAME_FORMAT_URI}},
                    }
                },
            }
        )
        return Server(config=config)

    def signed(self, url):
        """Returns the query of a signed request, and the server that believes it."""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        server = self.server()
        certificate = server.metadata.certs(METADATA, "spsso", "signing")[0]
        if not verify_redirect_signature(query, server.sec.sec_backend, cert=certificate):
            raise AssertionError("the request is not signed by the metadata's certificate")
        return query, server

    def end(self, url):
        """Ends the session that a LogoutRequest is about; returns where the answer goes."""
        query, server = self.signed(url)
        request = server.parse_logout_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT).message
        self.ended.append(request)
        answer = server.create_logout_response(request, [BINDING_HTTP_REDIRECT])
        sent = server.apply_binding(
            BINDING_HTTP_REDIRECT, str(answer), answer.destination, query["RelayState"], response=True, sign=True, sigalg=RSA
        )
        return dict(sent["headers"])["Location"], None

    def tell(self, name):
        """Tells Postern by SOAP that the session of name ended; returns the answer, once its signature is checked."""
        server = self.server()
        [to] = server.metadata.single_logout_service(METADATA, BINDING_SOAP, "spsso")
        subject, sessions = self.sessions[name]
        _, request = server.create_logout_request(
            to["location"], METADATA, name_id=subject, session_indexes=sessions, sign=True, sign_alg=RSA, digest_alg=SHA
        )
        sent = server.apply_binding(BINDING_SOAP, str(request), to["location"])
        headers = dict(sent["headers"])
        with urllib.request.urlopen(urllib.request.Request(to["location"], sent["data"].encode(), headers)) as answer:
            said = answer.read().decode()
        # pysaml2 writes what stands in a SOAP body anew, with other prefixes, which a signature doesn't survive.
        with unittest.mock.patch("saml2.soap.parse_soap_enveloped_saml_logout_response", lambda text: re.search("<soap:Body>(.*)</soap:Body>", text)[1]):
            return server.parse_logout_request_response(said, BINDING_SOAP)

    def answer(self, url, name):
        """Believes a signed request and answers for name; returns where to, and the form."""
        query, server = self.signed(url)
        request = server.parse_authn_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT).message
        self.asked.append(request)
        to = server.response_args(request)
        subject = NameID(format=NAMEID_FORMAT_PERSISTENT, text=f"subject of {name}")
        with Clock(self.off):
            answer = server.create_authn_response(
                {"eduPersonPrincipalName": [name]},
                to["in_response_to"],
                to["destination"],
                to["sp_entity_id"],
                name_id=subject,
                authn={"class_ref": self.context},
                sign_assertion=True,
                sign_response=False,
                encrypt_assertion=self.encrypted,
                sign_alg=RSA,
                digest_alg=SHA,
            )
        self.sessions[name] = subject, re.findall('SessionIndex="([^"]*)"', str(answer))
        return to["destination"], {"SAMLResponse": base64.b64encode(str(answer).encode()).decode(), "RelayState": query["RelayState"]}


class Federated(Somebody):
    """Somebody of the upstream's domain, who signs in there."""

    def __init__(self, upstream):
        super().__init__(upstream.domain)
        self.upstream, self.vouched = upstream, self.name

    def follow(self, url, form=None):
        for _ in range(5):
            url, form = super().follow(url, form)
            if url.startswith(self.upstream.sso):
                url, form = self.upstream.answer(url, self.vouched)
            elif url.startswith(self.upstream.slo):
                url, form = self.upstream.end(url)
            else:
                return url, form
        raise AssertionError("the upstream is asked again and again")


class UpstreamTest(saml_test.Provider):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        query = urllib.parse.urlencode({"$filter": f"appId eq '{saml_test.TENANT['clientId']}'"})
        [principal] = graph("GET", f"/servicePrincipals?{query}", None)["value"]
        role = {"roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10", "principalId": principal["id"], "directoryScopeId": "/"}
        try:
            graph("POST", "/roleManagement/directory/roleAssignments", role)
        except urllib.error.HTTPError as error:
            if error.code not in (400, 409):  # other tests may have given it
                raise
        cls.folder = folder.name

    def setUp(self):
        super().setUp()
        self.upstream = Upstream(self.folder)
        self.register()

    def signs_in(self, somebody=None):
        """Signs somebody in at an application; returns the context that Postern tells it."""
        somebody = somebody or Federated(self.upstream)
        client = self.client()
        request, fields = self.ask(client, somebody)
        answer = client.parse_authn_request_response(fields["SAMLResponse"], BINDING_HTTP_POST, {request: "/"})
        self.assertEqual(answer.get_subject().text, somebody.name)
        return answer.authn_info()[0][0]

    def refused(self, code, somebody=None):
        with self.assertRaisesRegex(AssertionError, code):
            self.signs_in(somebody)

    def test_signs_people_in_by_two_factors_or_by_one_and_a_pass(self):
        both, one = Federated(self.upstream), Federated(self.upstream)
        self.upstream.context = MFA
        self.assertEqual(self.signs_in(both), MFA)
        self.assertNotIn("accesspass", both.steps)
        self.upstream.context = PASSWORD
        self.assertEqual(self.signs_in(one), MFA)
        self.assertIn("accesspass", one.steps)
        for asked in self.upstream.asked:
            self.assertEqual((asked.force_authn, asked.requested_authn_context), (None, None))

    def test_ends_its_session_before_an_application_gets_the_person_back(self):
        self.upstream.context = MFA
        client, somebody = self.client(), Federated(self.upstream)
        request, fields = self.ask(client, somebody)
        answer = client.parse_authn_request_response(fields["SAMLResponse"], BINDING_HTTP_POST, {request: "/"})
        [(_, (_, info))] = self.leave(client, answer, BINDING_HTTP_REDIRECT).items()
        address, _ = somebody.follow(dict(info["headers"])["Location"])
        self.assertTrue(address.startswith(self.slo), address)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        self.assertTrue(client.parse_logout_request_response(query["SAMLResponse"], BINDING_HTTP_REDIRECT).status_ok())
        [ended] = self.upstream.ended
        self.assertEqual(ended.name_id.text, f"subject of {somebody.name}")
        self.assertEqual(len(ended.session_index), 1)

    def test_ends_the_sessions_here_when_it_says_so_between_servers(self):
        self.upstream.context = MFA
        one, other = Federated(self.upstream), Federated(self.upstream)
        for somebody in (one, other):
            self.signs_in(somebody)
        self.assertEqual(len(self.upstream.asked), 2)
        self.assertTrue(self.upstream.tell(one.name).status_ok())
        for somebody, asked in ((other, 2), (one, 3)):  # whose session lives isn't sent to the upstream again
            self.signs_in(somebody)
            self.assertEqual(len(self.upstream.asked), asked)

    def test_is_not_heard_between_servers_by_a_key_that_is_not_its_own(self):
        self.upstream.context = MFA
        somebody, own = Federated(self.upstream), self.upstream.key
        self.signs_in(somebody)
        self.upstream.key = Key(self.folder)
        with self.assertRaises(urllib.error.HTTPError):
            self.upstream.tell(somebody.name)
        self.upstream.key = own
        self.signs_in(somebody)
        self.assertEqual(len(self.upstream.asked), 1)

    def test_is_believed_about_one_factor_where_the_domain_says_so(self):
        self.upstream.set(federatedIdpMfaBehavior="rejectMfaByFederatedIdp")
        self.upstream.context = MFA
        somebody = Federated(self.upstream)
        self.assertEqual(self.signs_in(somebody), MFA)
        self.assertIn("accesspass", somebody.steps)

    def test_is_asked_again_for_two_factors_and_then_no_more(self):
        self.upstream.set(federatedIdpMfaBehavior="enforceMfaByFederatedIdp")
        self.refused("federationWithoutMfa")
        self.assertEqual([one.force_authn for one in self.upstream.asked], [None, "true"])
        for one in self.upstream.asked:
            self.assertIn(MFA, [c.text for c in one.requested_authn_context.authn_context_class_ref])
        self.upstream.context = MFA
        self.assertEqual(self.signs_in(), MFA)

    def test_is_not_read_where_it_encrypts_by_triple_des(self):
        self.upstream.encrypted = True  # it knows nothing else
        self.refused("credentialRefused")

    def test_speaks_for_whom_was_asked_and_nobody_else(self):
        somebody, other = Federated(self.upstream), Federated(self.upstream)
        somebody.vouched = other.name
        self.refused("federationOther", somebody)
        somebody.vouched = f"admin@{saml_test.TENANT['domain']}"
        self.refused("federationForeign", somebody)

    def test_may_have_a_clock_that_is_a_little_off(self):
        for off in (50, -50, -5 * 60 - 50):  # assertions are good for five minutes
            self.upstream.off = off
            self.signs_in()
        for off in (90, -5 * 60 - 90):
            self.upstream.off = off
            self.refused("credentialRefused")

    def test_may_go_over_to_another_certificate(self):
        old, new = self.upstream.key, Key(self.folder)
        self.upstream.key = new
        self.refused("credentialRefused")
        self.upstream.set(nextSigningCertificate=new.der)
        for key in (new, old):
            self.upstream.key = key
            self.signs_in()
        self.upstream.set(signingCertificate=new.der, nextSigningCertificate=None)
        self.refused("credentialRefused")
        self.upstream.key = new
        self.signs_in()

    def test_is_not_believed_by_a_certificate_that_has_expired(self):
        self.upstream.key = Key(self.folder, -60)
        self.upstream.set(signingCertificate=self.upstream.key.der)
        self.refused("credentialRefused")


if __name__ == "__main__":
    unittest.main()
