package passkey_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/passkey/passkeytest"
)

const (
	tenant directory.TenantID = "8a1b5c6e-35b8-4a6c-9f0e-2f57a7c8a001"
	mira   directory.UserID   = "7d9f2a54-3f0f-4e6a-8f3e-0c9b1b2a4c02"
	other  directory.TenantID = "8a1b5c6e-35b8-4a6c-9f0e-2f57a7c8a003"
)

var party = passkey.NewRelyingParty("https://id.contoso.example")

func challenge() []byte {
	all := make([]byte, 32)
	_, _ = rand.Read(all)
	return all
}

// ceremony is one registration.
type ceremony struct {
	policy passkey.Policy
	makers *passkey.Makers
	there  []passkey.Key
}

func (c ceremony) register(t *testing.T, a *passkeytest.Authenticator) (passkey.Key, int64, error) {
	t.Helper()
	asked := challenge()
	options := passkey.NewCreation(party, "Contoso", c.policy, asked, passkey.Person{
		Handle: passkey.Handle(tenant, mira), Name: "mira@contoso.example", DisplayName: "Mira Okafor",
	}, c.there).JSON()
	response, err := a.Create(options)
	if err != nil {
		t.Fatal(err)
	}
	return passkey.Registration{Party: party, Policy: c.policy, Makers: c.makers, Challenge: asked}.Register(response)
}

func registered(t *testing.T, a *passkeytest.Authenticator) passkey.Key {
	t.Helper()
	key, _, err := ceremony{policy: passkey.DefaultPolicy()}.register(t, a)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func assertion(t *testing.T, a *passkeytest.Authenticator, asked []byte) passkey.Assertion {
	t.Helper()
	text, err := a.Get(passkey.NewRequest(party, asked))
	if err != nil {
		t.Fatal(err)
	}
	said, err := passkey.ParseAssertion(text)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func TestAKeyThatWasRegisteredSignsIn(t *testing.T) {
	a := passkeytest.New(party.Origin)
	key, counter, err := ceremony{policy: passkey.DefaultPolicy()}.register(t, a)
	if err != nil {
		t.Fatal(err)
	}
	if counter != 1 || !bytes.Equal(key.CredentialID, a.CredentialID()) || key.RPID != "id.contoso.example" || key.Attested {
		t.Fatalf("registered as %+v with counter %d", key, counter)
	}
	asked := challenge()
	said := assertion(t, a, asked)
	if whose, who, ok := said.Owner(); !ok || whose != tenant || who != mira {
		t.Errorf("the handle names %s %s", whose, who)
	}
	after, err := said.Verify(party, asked, key)
	if err != nil || after != 2 {
		t.Errorf("counter %d, %v", after, err)
	}
}

func TestWhatIsNotThisSignInIsRefused(t *testing.T) {
	for name, tamper := range map[string]func(a *passkeytest.Authenticator, p *passkey.RelyingParty, asked []byte, k *passkey.Key){
		"another challenge": func(_ *passkeytest.Authenticator, _ *passkey.RelyingParty, asked []byte, _ *passkey.Key) {
			asked[0] ^= 1
		},
		"another origin": func(a *passkeytest.Authenticator, _ *passkey.RelyingParty, _ []byte, _ *passkey.Key) {
			a.Origin = "https://id.contoso.example.evil.example"
		},
		"another port": func(a *passkeytest.Authenticator, _ *passkey.RelyingParty, _ []byte, _ *passkey.Key) {
			a.Origin = "https://id.contoso.example:8443"
		},
		"plain http": func(a *passkeytest.Authenticator, _ *passkey.RelyingParty, _ []byte, _ *passkey.Key) {
			a.Origin = "http://id.contoso.example"
		},
		"another relying party": func(a *passkeytest.Authenticator, _ *passkey.RelyingParty, _ []byte, _ *passkey.Key) {
			a.RPID = "contoso.example"
		},
		"nobody was verified": func(a *passkeytest.Authenticator, _ *passkey.RelyingParty, _ []byte, _ *passkey.Key) {
			a.Unverified = true
		},
		"nobody touched it":    func(a *passkeytest.Authenticator, _ *passkey.RelyingParty, _ []byte, _ *passkey.Key) { a.Absent = true },
		"it may be copied now": func(a *passkeytest.Authenticator, _ *passkey.RelyingParty, _ []byte, _ *passkey.Key) { a.Backed = true },
		"another key": func(_ *passkeytest.Authenticator, _ *passkey.RelyingParty, _ []byte, k *passkey.Key) {
			k.CredentialID[0] ^= 1
		},
		"a key of another party": func(_ *passkeytest.Authenticator, _ *passkey.RelyingParty, _ []byte, k *passkey.Key) {
			k.RPID = "contoso.example"
		},
		"signed by another": func(_ *passkeytest.Authenticator, _ *passkey.RelyingParty, _ []byte, k *passkey.Key) {
			k.PublicKey[len(k.PublicKey)-1] ^= 1
		},
		"a server with a new name": func(_ *passkeytest.Authenticator, p *passkey.RelyingParty, _ []byte, _ *passkey.Key) {
			*p = passkey.NewRelyingParty("https://login.contoso.example")
		},
		"a registration, not a use": nil,
	} {
		t.Run(name, func(t *testing.T) {
			a := passkeytest.New(party.Origin)
			key := registered(t, a)
			expected := party
			asked := challenge()
			if tamper == nil {
				if _, err := passkey.ParseAssertion(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"AA"}}`); !isRefusal(err) {
					t.Error(err)
				}
				return
			}
			sent := bytes.Clone(asked)
			tamper(a, &expected, sent, &key)
			if _, err := assertion(t, a, sent).Verify(expected, asked, key); !isRefusal(err) {
				t.Errorf("accepted: %v", err)
			}
		})
	}
}

// isRefusal reports whether err is one that the log has a number for.
func isRefusal(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && f.AADSTS != 0
}

func TestWhatIsNotThisRegistrationIsRefused(t *testing.T) {
	for name, tamper := range map[string]func(a *passkeytest.Authenticator){
		"another origin":        func(a *passkeytest.Authenticator) { a.Origin = "https://evil.example" },
		"another relying party": func(a *passkeytest.Authenticator) { a.RPID = "evil.example" },
		"nobody touched it":     func(a *passkeytest.Authenticator) { a.Absent = true },
	} {
		t.Run(name, func(t *testing.T) {
			a := passkeytest.New(party.Origin)
			tamper(a)
			if _, _, err := (ceremony{policy: passkey.DefaultPolicy()}).register(t, a); !errors.Is(err, passkey.ErrResponse) {
				t.Error(err)
			}
		})
	}
	a := passkeytest.New(party.Origin)
	a.Unverified = true
	if _, _, err := (ceremony{policy: passkey.DefaultPolicy()}).register(t, a); !errors.Is(err, passkey.ErrUnverified) {
		t.Error("without user verification:", err)
	}
}

func TestWithEnforcementOnlyKeysOfTrustedMakersAreTaken(t *testing.T) {
	model := uuid.New()
	maker, err := passkeytest.NewMaker("Example Keys Root", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	forger, err := passkeytest.NewMaker("Example Keys Root", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	makers, err := passkey.LoadMakers(nil, maker.PEM(), nil)
	if err != nil {
		t.Fatal(err)
	}
	enforced := passkey.DefaultPolicy()
	enforced.AttestationEnforced = true
	for _, c := range []struct {
		name   string
		policy passkey.Policy
		makers *passkey.Makers
		maker  *passkeytest.Maker
		want   error
		sure   bool
	}{
		{"a trusted maker", enforced, makers, maker, nil, true},
		{"a maker with the same name", enforced, makers, forger, passkey.ErrNotAttested, false},
		{"attested by itself", enforced, makers, nil, passkey.ErrNotAttested, false},
		{"nobody is trusted", enforced, nil, maker, passkey.ErrNotAttested, false},
		{"no enforcement", passkey.DefaultPolicy(), makers, forger, nil, false},
		{"no enforcement, and a trusted maker", passkey.DefaultPolicy(), makers, maker, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := passkeytest.New(party.Origin)
			a.AAGUID, a.Maker = model, c.maker
			key, _, err := ceremony{policy: c.policy, makers: c.makers}.register(t, a)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatal(err)
			}
			if key.Attested != c.sure {
				t.Errorf("attested: %v", key.Attested)
			}
			if c.maker != nil && (len(key.Certificates) != 1 || len(key.Certificates[0]) != 40) {
				t.Errorf("certificates: %v", key.Certificates)
			}
		})
	}
}

func TestModelsAreAllowedAndBlocked(t *testing.T) {
	listed, unlisted := uuid.New(), uuid.New()
	for _, c := range []struct {
		name     string
		kind     string
		enforced bool
		model    uuid.UUID
		want     error
	}{
		{"allowed, and listed", "allow", true, listed, nil},
		{"allowed, and not listed", "allow", true, unlisted, passkey.ErrModel},
		{"allowed, and not told", "allow", true, uuid.Nil, passkey.ErrModel},
		{"blocked, and listed", "block", true, listed, passkey.ErrModel},
		{"blocked, and not listed", "block", true, unlisted, nil},
		{"not enforced", "block", false, listed, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := passkey.DefaultPolicy()
			p.Restrictions = passkey.KeyRestrictions{Enforced: c.enforced, Type: c.kind, AAGUIDs: []string{strings.ToUpper(listed.String())}}
			a := passkeytest.New(party.Origin)
			a.AAGUID = c.model
			if _, _, err := (ceremony{policy: p}).register(t, a); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAPolicyThatContradictsItselfIsRefused(t *testing.T) {
	for name, change := range map[string]func(*passkey.Policy){
		"a kind of list that there isn't": func(p *passkey.Policy) { p.Restrictions.Type = "maybe" },
		"no GUID":                         func(p *passkey.Policy) { p.Restrictions.AAGUIDs = []string{"yubikey"} },
		"a GUID in braces":                func(p *passkey.Policy) { p.Restrictions.AAGUIDs = []string{"{" + uuid.NewString() + "}"} },
		"a conveyance that there isn't":   func(p *passkey.Policy) { p.Attestation = "all" },
		"neither on nor off":              func(p *passkey.Policy) { p.State = "maybe" },
		"enforced, but not asked for":     func(p *passkey.Policy) { p.AttestationEnforced, p.Attestation = true, "none" },
	} {
		p := passkey.DefaultPolicy()
		change(&p)
		if err := p.Check(); !errors.Is(err, method.ErrPolicy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := passkey.DefaultPolicy().Check(); err != nil {
		t.Error(err)
	}
}

func TestACounterThatDoesNotGrowIsAClone(t *testing.T) {
	for _, c := range []struct {
		before, after int64
		want          bool
	}{{0, 0, true}, {0, 1, true}, {1, 2, true}, {5, 5, false}, {5, 4, false}, {5, 0, false}} {
		if got := passkey.Moves(c.before, c.after); got != c.want {
			t.Errorf("%d to %d: %v", c.before, c.after, got)
		}
	}
}

func TestOptionsNameNobodysKeysBeforeAProof(t *testing.T) {
	text := string(passkey.NewRequest(party, challenge(), "hybrid"))
	for _, part := range []string{`"allowCredentials":[]`, `"userVerification":"required"`, `"rpId":"id.contoso.example"`, `"hints":["hybrid"]`} {
		if !strings.Contains(text, part) {
			t.Errorf("%s is not in %s", part, text)
		}
	}
}

func TestTheSameAuthenticatorIsExcludedTheSecondTime(t *testing.T) {
	key := registered(t, passkeytest.New(party.Origin))
	text := string(passkey.NewCreation(party, "Contoso", passkey.DefaultPolicy(), challenge(), passkey.Person{Handle: passkey.Handle(tenant, mira)}, []passkey.Key{key}).JSON())
	if !strings.Contains(text, `"excludeCredentials":[{"type":"public-key","id":"`+passkey.Lookup(key.CredentialID)+`"}]`) {
		t.Error(text)
	}
	if !strings.Contains(text, `"requireResidentKey":true`) || !strings.Contains(text, `"attestation":"none"`) {
		t.Error(text)
	}
}

func TestTheSamePersonHasAnotherHandleInEachTenant(t *testing.T) {
	if bytes.Equal(passkey.Handle(tenant, mira), passkey.Handle(other, mira)) || len(passkey.Handle(tenant, mira)) != 32 {
		t.Error("handles do not tell tenants apart")
	}
}

func TestTheOriginIsWrittenAsBrowsersDo(t *testing.T) {
	for url, want := range map[string]passkey.RelyingParty{
		"https://ID.Contoso.example":         {ID: "id.contoso.example", Origin: "https://id.contoso.example"},
		"https://id.contoso.example:443":     {ID: "id.contoso.example", Origin: "https://id.contoso.example"},
		"https://localhost:8443":             {ID: "localhost", Origin: "https://localhost:8443"},
		"https://id.contoso.example:8443/in": {ID: "id.contoso.example", Origin: "https://id.contoso.example:8443"},
	} {
		if got := passkey.NewRelyingParty(url); got != want || !got.Usable() {
			t.Errorf("%s: %+v", url, got)
		}
	}
	for _, url := range []string{"https://192.0.2.1", "https://[::1]:8443", "", "::"} {
		if passkey.NewRelyingParty(url).Usable() {
			t.Errorf("%s is usable", url)
		}
	}
}

func TestSignalsAreWhatBrowsersTake(t *testing.T) {
	key := registered(t, passkeytest.New(party.Origin))
	handle := passkey.Handle(tenant, mira)
	for text, parts := range map[string][]string{
		string(passkey.SignalUnknown(party, key.CredentialID)):                                              {`"rpId":"id.contoso.example"`, `"credentialId":"` + passkey.Lookup(key.CredentialID)},
		string(passkey.SignalAccepted(party, handle, []passkey.Key{key})):                                   {`"allAcceptedCredentialIds":["` + passkey.Lookup(key.CredentialID), `"userId":"`},
		string(passkey.SignalAccepted(party, handle, nil)):                                                  {`"allAcceptedCredentialIds":[]`},
		string(passkey.SignalDetails(party, passkey.Person{Handle: handle, Name: "m@x", DisplayName: "M"})): {`"name":"m@x"`, `"displayName":"M"`, `"userId":"`},
	} {
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s is not in %s", part, text)
			}
		}
	}
}
