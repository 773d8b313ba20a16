package race

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/test/live"
)

func onePass(t *testing.T, k *track) {
	user, name := k.person(t)
	pass := k.issue(t, user, `{"isUsableOnce":true}`)
	browsers, pages := k.browsers(t, crowd, name, from)
	results := live.AtOnce(crowd, func(i int) (o outcome) {
		if o.proved, o.err = k.prove(t, browsers[i], i, pages[i], pass.Pass); o.proved {
			o.code, o.err = k.finish(t, browsers[i], i, pages[i])
		}
		return o
	})
	winners := 0
	for i, o := range results {
		if o.err != nil {
			t.Errorf("racer %d: %v", i, o.err)
		}
		if o.code != "" {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d of %d got in with one one-time pass", winners, crowd)
	}
	if n := k.signIns(t, user, 0); n != 1 {
		t.Errorf("the log has %d sign-ins", n)
	}
}

func oneForm(t *testing.T, k *track) {
	user, name := k.person(t)
	pass := k.issue(t, user, `{"isUsableOnce":true}`)
	browsers, pages := k.browsers(t, 1, name, from)
	b, page := browsers[0], pages[0]
	for i, a := range live.AtOnce(crowd, func(i int) outcome {
		ok, err := k.proveAgain(t, b, i, page, pass.Pass)
		return outcome{proved: ok, err: err}
	}) {
		if a.err != nil {
			t.Errorf("pass, copy %d: %v", i, a.err)
		}
	}
	locations := map[string]int{}
	for i, a := range live.AtOnce(crowd, func(i int) live.Answer {
		a, err := b.Stay(t.Context(), k.server(i), page)
		if err != nil {
			a.Body = err.Error()
		}
		return a
	}) {
		if a.Status != http.StatusSeeOther {
			t.Errorf("stay, copy %d: %d\n%s", i, a.Status, a.Body)
		}
		locations[a.Location]++
	}
	if len(locations) != 1 {
		t.Errorf("the copies led to %d places: %v", len(locations), locations)
	}
}

// proveAgain is prove for copies of one form: of those that overtake each other some may be
// told that the page changed meanwhile.
func (k *track) proveAgain(t *testing.T, b *live.Browser, i int, page, pass string) (bool, error) {
	for {
		a, err := b.Prove(t.Context(), k.server(i), page, pass)
		if err != nil || a.Status == http.StatusSeeOther {
			return err == nil, err
		}
		if a.Status != http.StatusTooManyRequests && a.Status != http.StatusConflict &&
			!strings.Contains(a.Body, `data-error="credentialRefused"`) {
			return false, fmt.Errorf("pass: %d\n%s", a.Status, a.Body)
		}
		if a.Status != http.StatusTooManyRequests {
			return false, nil
		}
	}
}

func manyIssues(t *testing.T, k *track) {
	const many = 12
	user, name := k.person(t)
	type issued struct {
		live.Issued
		err error
	}
	got := map[string]string{}
	for i, p := range live.AtOnce(many, func(i int) issued {
		p, err := k.Issue(t.Context(), k.server(i), user, `{}`)
		return issued{p, err}
	}) {
		if p.err != nil {
			t.Errorf("issue %d: %v", i, p.err)
			continue
		}
		got[p.ID] = p.Pass
	}
	left, err := live.List[live.Issued](t.Context(), k.Graph, k.server(0), "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods")
	if err != nil || len(left) != 1 || got[left[0].ID] == "" {
		t.Fatalf("%d passes were issued and %v are there: %v", len(got), left, err)
	}
	i := 0
	for id, pass := range got {
		i++
		_, err := k.NewBrowser(from(i)).SignIn(t.Context(), k.server(i), name, pass)
		if (err == nil) != (id == left[0].ID) {
			t.Errorf("pass %s, while %s is there: %v", id, left[0].ID, err)
		}
	}
	events, err := live.List[struct{ ID string }](t.Context(), k.Graph, k.server(0), "/v1.0/auditLogs/directoryAudits?$filter="+
		url.QueryEscape("activityDisplayName eq 'User registered security info' and targetResources/any(t:t/id eq '"+user+"')"))
	if err != nil || len(events) != many {
		t.Errorf("%d passes have %d events: %v", many, len(events), err)
	}
}

func deleteMeanwhile(t *testing.T, k *track) {
	user, name := k.person(t)
	pass := k.issue(t, user, `{}`)
	browsers, pages := k.browsers(t, 8, name, from)
	tokens := make([]live.Tokens, len(browsers))
	for i, err := range live.AtOnce(len(browsers)+1, func(i int) error {
		if i == len(browsers) {
			return k.DeletePass(t.Context(), k.server(i), user, pass.ID)
		}
		ok, err := k.prove(t, browsers[i], i, pages[i], pass.Pass)
		if err != nil || !ok {
			return err
		}
		// From here on each step may fail, since the pass may be gone.
		if code, err := k.finish(t, browsers[i], i, pages[i]); err == nil {
			tokens[i], err = k.Redeem(t.Context(), k.server(i), code)
			return err
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	for i, b := range browsers {
		if a, err := b.Home(t.Context(), k.server(i)); err != nil || a.Status == http.StatusOK {
			t.Errorf("browser %d is still signed in: %d %v", i, a.Status, err)
		}
		if tokens[i].Access == "" {
			continue
		}
		if status, err := k.With(tokens[i].Access).Do(t.Context(), k.server(i), http.MethodGet, "/v1.0/me", "", nil); err != nil || status != http.StatusUnauthorized {
			t.Errorf("access token %d survived: %d %v", i, status, err)
		}
		if next, err := k.Refresh(t.Context(), k.server(i), tokens[i].Refresh); err != nil || next.Status == http.StatusOK {
			t.Errorf("refresh token %d survived: %+v %v", i, next, err)
		}
	}
}

func guesses(t *testing.T, k *track) {
	const wrongPass = 130503
	user, name := k.person(t)
	pass := k.issue(t, user, `{}`)
	browsers, pages := k.browsers(t, 40, name, func(int) string { return "198.51.100.7" })
	for i, err := range live.AtOnce(len(browsers), func(i int) error {
		ok, err := k.prove(t, browsers[i], i, pages[i], "WRONGWRONG")
		if ok {
			err = fmt.Errorf("a wrong pass was taken")
		}
		return err
	}) {
		if err != nil {
			t.Errorf("guess %d: %v", i, err)
		}
	}
	if n := k.signIns(t, user, wrongPass); n != 10 {
		t.Errorf("%d guesses of one address were looked at, want 10", n)
	}
	if _, err := k.NewBrowser("198.51.100.7").SignIn(t.Context(), k.server(0), name, pass.Pass); err == nil {
		t.Error("the right pass works from the address that guessed")
	}
	if _, err := k.NewBrowser("203.0.113.9").SignIn(t.Context(), k.server(0), name, pass.Pass); err != nil {
		t.Errorf("another address is locked out: %v", err)
	}
}
