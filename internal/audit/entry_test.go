package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/audit"
)

var update = flag.Bool("update", false, "write the golden files anew")

// counter gives salts that are the same in every run.
type counter struct{ n byte }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = c.n
		c.n++
	}
	return len(p), nil
}

func TestTheFormOfEntriesStaysWhatItIs(t *testing.T) {
	for name, e := range map[string]audit.Event{"signin": signIn(contoso, 1), "change": change(contoso, 2)} {
		entry, err := e.Seal(&counter{})
		if err != nil {
			t.Fatal(err)
		}
		got := bytes.Join([][]byte{entry.Body, entry.Personal, []byte(entry.Leaf().String()), nil}, []byte("\n"))
		file := "testdata/" + name + ".golden"
		if *update {
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is\n%s\nwant\n%s\nOld logs must stay verifiable.", name, got, want)
		}
	}
}

func TestOpenGivesBackWhatWasSealed(t *testing.T) {
	for _, want := range []audit.Event{signIn(contoso, 1), change(contoso, 2)} {
		got, err := audit.Open(mustSeal(t, want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Open = %+v, %v\nwant %+v", got, err, want)
		}
	}
}

func TestOpenGivesBackAnythingThatWasSealed(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[<>&"\\\x00-\x1f\x{2028}é😀]{0,5}`))
	rapid.Check(t, func(r *rapid.T) {
		e := change(contoso, 1)
		c := e.Change
		c.By.User.DisplayName = text.Draw(r, "name")
		c.By.User.UserPrincipalName = text.Draw(r, "upn")
		c.Targets = nil
		for range rapid.IntRange(0, 3).Draw(r, "targets") {
			c.Targets = append(c.Targets, audit.Target{
				ID: zoe, Type: audit.TargetUser, DisplayName: text.Draw(r, "target"),
				Modified: []audit.ModifiedProperty{{DisplayName: "p", OldValue: text.Draw(r, "old"), NewValue: text.Draw(r, "new")}},
			})
		}
		c.Details = []audit.KeyValue{{Key: "k", Value: text.Draw(r, "detail")}}
		entry := mustSeal(t, e)
		if got, err := audit.Open(entry); err != nil || !reflect.DeepEqual(got, e) {
			r.Fatalf("Open = %+v, %v\nwant %+v", got, err, e)
		}
		if bytes.ContainsAny(entry.Body, "\x00\n") || bytes.ContainsAny(entry.Personal, "\x00\n") {
			r.Fatalf("control characters in %s %s", entry.Body, entry.Personal)
		}
	})
}

func TestSealLeavesTheEventAlone(t *testing.T) {
	for _, e := range []audit.Event{signIn(contoso, 1), change(contoso, 1)} {
		before, _ := json.Marshal(e)
		mustSeal(t, e)
		if after, _ := json.Marshal(e); !bytes.Equal(before, after) {
			t.Errorf("the event became %s", after)
		}
	}
}

func TestSealCutsTimesToMicroseconds(t *testing.T) {
	e := signIn(contoso, 1)
	e.At = time.Date(2026, 11, 2, 10, 0, 0, 123456789, time.FixedZone("CET", 3600))
	e.SignIn.Details[0].At = e.At
	got, err := audit.Open(mustSeal(t, e))
	if err != nil || !got.At.Equal(nine) || got.At.Location() != time.UTC || got.SignIn.Details[0].At != nine {
		t.Fatalf("Open = %v, %v, %v; want %v", got.At, got.SignIn.Details[0].At, err, nine)
	}
}

func TestSealBearsWhatStrangersSend(t *testing.T) {
	e := signIn(contoso, 1)
	e.SignIn.UserAgent = strings.Repeat("ü", 100_000)
	e.SignIn.UserPrincipalName = "a\xff\xfe\x00b"
	got, err := audit.Open(mustSeal(t, e))
	if err != nil || len(got.SignIn.UserAgent) != 512 || got.SignIn.UserPrincipalName != "a\uFFFD\x00b" {
		t.Fatalf("Open = %d bytes, %q, %v", len(got.SignIn.UserAgent), got.SignIn.UserPrincipalName, err)
	}
	if x := e.Index(); x.UPN != "a\uFFFDb" {
		t.Fatalf("the index has %q, which a database may refuse", x.UPN)
	}
}

func TestSealRefusesWhatIsNoEvent(t *testing.T) {
	both, neither, tenant, id := signIn(contoso, 1), signIn(contoso, 1), signIn(contoso, 1), signIn(contoso, 1)
	both.Change = change(contoso, 1).Change
	neither.SignIn = nil
	tenant.Tenant = strings.ToUpper("abcdefab-1111-4111-8111-111111111111")
	id.ID = "1\n2"
	for name, e := range map[string]audit.Event{
		"a sign-in and a change": both, "neither": neither, "no tenant": tenant, "no id": id,
	} {
		if _, err := e.Seal(&counter{}); err == nil {
			t.Errorf("%s: Seal took it", name)
		}
	}
	if _, err := signIn(contoso, 1).Seal(bytes.NewReader(nil)); err == nil {
		t.Error("Seal went on without randomness")
	}
}

// commitment is how a personal value stands in a body.
var commitment = regexp.MustCompile(`"[A-Za-z0-9+/]{43}="`)

func TestTheBodyNamesNobody(t *testing.T) {
	for _, e := range []audit.Event{signIn(contoso, 1), change(contoso, 1)} {
		entry := mustSeal(t, e)
		// A commitment is random and may spell anything.
		body := commitment.ReplaceAllString(string(entry.Body), "commitment")
		for _, personal := range []string{
			"Zo", "zoe@", "Adam", "adam@", "192.0.2.7", "2001:db8", "Mozilla", "Firefox", "Linux", "5f2c",
			"tried", "One-time", "Multiple", "before", "INC-4711", "telephone",
		} {
			if strings.Contains(body, personal) {
				t.Errorf("the body has %q: %s", personal, body)
			}
		}
	}
}

func TestEqualValuesHaveDifferentCommitments(t *testing.T) {
	a, b := mustSeal(t, signIn(contoso, 1)), mustSeal(t, signIn(contoso, 1))
	if bytes.Equal(a.Body, b.Body) {
		t.Fatal("who knows one person's commitment finds all their entries")
	}
}

func TestEraseForgetsOnePerson(t *testing.T) {
	entry := mustSeal(t, change(contoso, 1))
	for _, c := range []struct {
		name, user            string
		actor, target, ticket string
	}{
		{"the target", zoe, "Adam Helpdesk", audit.Erased, audit.Erased},
		{"the actor", adam, audit.Erased, "Zoë Ω", "INC-4711"},
		{"somebody else", contoso, "Adam Helpdesk", "Zoë Ω", "INC-4711"},
		{"everybody", "", audit.Erased, audit.Erased, audit.Erased},
	} {
		t.Run(c.name, func(t *testing.T) {
			erased, err := entry.Erase(c.user)
			if err != nil {
				t.Fatal(err)
			}
			got, err := audit.Open(erased)
			if err != nil {
				t.Fatal(err)
			}
			actor, target := got.Change.By.User, got.Change.Targets[0]
			if actor.DisplayName != c.actor || target.DisplayName != c.target || got.Change.Details[0].Value != c.ticket {
				t.Errorf("the event is %+v %+v", actor, got.Change)
			}
			if actor.ID != adam || target.ID != zoe || erased.Leaf() != entry.Leaf() {
				t.Error("more than personal values changed")
			}
		})
	}
	if erased, err := mustSeal(t, signIn(contoso, 1)).Erase(zoe); err != nil || string(erased.Personal) != "{}" {
		t.Errorf("of a sign-in, %s is left, %v", erased.Personal, err)
	}
}

func TestEraseRefusesAnEntryThatWasChanged(t *testing.T) {
	entry := mustSeal(t, change(contoso, 1))
	entry.Personal = flip(entry.Personal, "INC-4711", "INC-4712")
	if _, err := entry.Erase(zoe); !errors.Is(err, audit.ErrTampered) {
		t.Fatalf("Erase = %v, want ErrTampered", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, change := range map[string]func(*audit.Entry){
		"another kind":          func(e *audit.Entry) { e.Kind = audit.KindDirectory },
		"an unknown kind":       func(e *audit.Entry) { e.Kind = "other" },
		"a body of nothing":     func(e *audit.Entry) { e.Body, e.Personal = []byte(`{}`), nil },
		"a body that is cut":    func(e *audit.Entry) { e.Body = e.Body[:20] },
		"a body that is a list": func(e *audit.Entry) { e.Body, e.Personal = []byte(`[]`), nil },
		"a value for what has no commitment": func(e *audit.Entry) {
			e.Personal = []byte(`{"/signIn/appId":{"salt":"AAECAwQFBgcICQoLDA0ODw==","value":"x"}}`)
		},
		"a value for what is not there": func(e *audit.Entry) {
			e.Personal = []byte(`{"/signIn/authenticationDetails/9/x":{"salt":"AAECAwQFBgcICQoLDA0ODw==","value":"x"}}`)
		},
	} {
		e := mustSeal(t, signIn(contoso, 1))
		change(&e)
		if _, err := audit.Open(e); !errors.Is(err, audit.ErrTampered) {
			t.Errorf("%s: Open = %v, want ErrTampered", name, err)
		}
	}
}

func TestOpenErrorsShowNoPersonalValue(t *testing.T) {
	e := mustSeal(t, change(contoso, 1))
	e.Personal = flip(e.Personal, "INC-4711", "INC-4712")
	if _, err := audit.Open(e); err == nil || strings.Contains(err.Error(), "INC") {
		t.Fatalf("Open = %v", err)
	}
}

func TestOpenReadsWhatANewerReleaseWrote(t *testing.T) {
	salt := []byte("0123456789abcdef")
	committed := sha256.Sum256(append(salt, "new"...))
	e := mustSeal(t, signIn(contoso, 1))
	e.Body = flip(e.Body, `{`, fmt.Sprintf(`{"newer":%q,`, base64.StdEncoding.EncodeToString(committed[:])))
	e.Personal = flip(e.Personal, `{`, fmt.Sprintf(`{"/newer":{"salt":%q,"value":"new"},`, base64.StdEncoding.EncodeToString(salt)))
	got, err := audit.Open(e)
	if err != nil || got.SignIn.UserDisplayName != "Zoë Ω" {
		t.Fatalf("Open = %+v, %v", got, err)
	}
	e.Personal = flip(e.Personal, `"new"`, `"old"`)
	if _, err := audit.Open(e); !errors.Is(err, audit.ErrTampered) {
		t.Fatalf("Open = %v, want ErrTampered", err)
	}
}

func TestTheLeafBindsEveryField(t *testing.T) {
	e := mustSeal(t, signIn(contoso, 1))
	seen := map[audit.Hash]string{e.Leaf(): "the entry"}
	for name, change := range map[string]func(*audit.Entry){
		"tenant": func(e *audit.Entry) { e.Tenant = fabrikam },
		"id":     func(e *audit.Entry) { e.ID = eventID(2) },
		"time":   func(e *audit.Entry) { e.At = e.At.Add(time.Microsecond) },
		"kind":   func(e *audit.Entry) { e.Kind = audit.KindDirectory },
		"body":   func(e *audit.Entry) { e.Body = append([]byte(" "), e.Body...) },
		"a line moved from the id to the tenant": func(e *audit.Entry) {
			e.Tenant, e.ID, e.Kind = e.Tenant+"\n"+e.ID, string(e.Kind), ""
		},
	} {
		changed := e
		change(&changed)
		if other, ok := seen[changed.Leaf()]; ok {
			t.Errorf("with another %s the leaf is that of %s", name, other)
		}
		seen[changed.Leaf()] = name
	}
	e.Personal = nil
	if _, ok := seen[e.Leaf()]; !ok {
		t.Error("the leaf binds personal values, which then could not be erased")
	}
}

func FuzzOpen(f *testing.F) {
	for _, e := range []audit.Event{signIn(contoso, 1), change(contoso, 2)} {
		entry, err := e.Seal(&counter{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(entry.Kind), entry.Body, entry.Personal)
	}
	f.Fuzz(func(t *testing.T, kind string, body, personal []byte) {
		e := audit.Entry{Tenant: contoso, ID: eventID(1), At: nine, Kind: audit.Kind(kind), Body: body, Personal: personal}
		event, err := audit.Open(e)
		if err != nil {
			return
		}
		event.Index()
		if _, err := e.Erase(zoe); err != nil {
			t.Fatalf("what opens cannot be erased: %v", err)
		}
	})
}
