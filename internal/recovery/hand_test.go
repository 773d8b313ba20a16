package recovery

import (
	"errors"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

func TestAPassGoesOnlyTheWaysThatPolicyAllowsAndNeverToWhoIssuesIt(t *testing.T) {
	sealed := []Hand{HandManager, HandPerson}
	for _, x := range []struct {
		name   string
		hand   Hand
		hands  []Hand
		by     directory.UserID
		change string // property that was changed an hour ago
		server bool
		want   error
	}{
		{"nothing said is read out", "", nil, "issuer", "", false, nil},
		{"a slip", HandSlip, nil, "issuer", "", false, nil},
		{"read out, where only links go", HandRead, sealed, "issuer", "", false, ErrHand},
		{"nothing said, where only links go", "", sealed, "issuer", "", false, ErrHand},
		{"on paper, where only links go", HandSlip, sealed, "issuer", "", false, ErrHand},
		{"to the manager", HandManager, sealed, "issuer", "", false, nil},
		{"to the manager, who issues it", HandManager, sealed, "boss", "", false, ErrHandIssuer},
		{"to a manager since an hour ago", HandManager, sealed, "issuer", ContactManager, false, ErrHandManager},
		{"by the manager's link, which the issuer sends, where nobody said so", HandManagerLink, nil, "issuer", "", false, ErrHand},
		{"by such a link, where only others are allowed", HandManagerLink, sealed, "issuer", "", false, ErrHand},
		{"by such a link", HandManagerLink, []Hand{HandManagerLink}, "issuer", "", false, nil},
		{"by such a link, of the manager who issues it", HandManagerLink, []Hand{HandManagerLink}, "boss", "", false, ErrHandIssuer},
		{"by such a link, of a manager since an hour ago", HandManagerLink, []Hand{HandManagerLink}, "issuer", ContactManager, false, ErrHandManager},
		{"to the person", HandPerson, sealed, "issuer", "", false, nil},
		{"to the person, who issues it", HandPerson, sealed, "mira", "", false, ErrOwnCase},
		{"into an agent's browser", HandBrowser, nil, "issuer", "", false, ErrHand},
		{"into the browser that asked", HandBrowser, nil, "", "", true, nil},
		{"into the browser that asked, where only links go", HandBrowser, sealed, "", "", true, ErrHand},
		{"a way that nobody knows", "pigeon", nil, "issuer", "", false, ErrInvalid},
	} {
		s, p := subject(Everyone), DefaultPolicy()
		c := proven(t, newCase(), ProofCallBack, s)
		p.Rules[0].Hands = x.hands
		if x.change != "" {
			s.Changed[x.change] = tenPast.Add(-time.Hour)
		}
		got, err := c.Granted(p, Order{Hand: x.hand, Handed: x.server}, Person{User: x.by}, s, tenPast)
		if !errors.Is(err, x.want) || (err == nil) != (x.want == nil) {
			t.Errorf("%s: %v, want %v", x.name, err, x.want)
		}
		if err == nil && x.hand == "" && got.Hand != HandRead {
			t.Errorf("%s: %q", x.name, got.Hand)
		}
	}
}

func TestACodeThatIsReadOutOpensNoLinkToAnAddressThatWasJustSet(t *testing.T) {
	p := DefaultPolicy()
	if p.Speaks(subject(Everyone), tenPast) {
		t.Error("nobody turned it on")
	}
	for i := range p.Rules {
		p.Rules[i].OpenBy = OpenBySpoken
	}
	for _, property := range []string{"", "mail", ContactMail} {
		s := subject(Everyone)
		s.Changed[property] = tenPast.Add(-time.Hour)
		if got := p.Speaks(s, tenPast); got != (property == "") {
			t.Errorf("%q changed an hour ago: %v", property, got)
		}
		if !p.Speaks(s, tenPast.Add(p.ContactDelay())) {
			t.Errorf("%q changed long ago counts no more", property)
		}
	}
	if err := p.Check(); !errors.Is(err, ErrPolicy) {
		t.Errorf("for administrators: %v", err)
	}
	p.Rules[2].OpenBy = ""
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	p.Rules[2].Hands = []Hand{HandManager, HandManagerLink}
	if err := p.Check(); !errors.Is(err, ErrPolicy) {
		t.Errorf("the link of an administrator's manager in an agent's hands: %v", err)
	}
	p.Rules[2].Hands = nil
	for _, bad := range [][]Hand{{}, {"pigeon"}, {HandRead, HandRead}} {
		p.Rules[0].Hands = bad
		if err := p.Check(); !errors.Is(err, ErrPolicy) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
