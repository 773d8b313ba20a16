package race

import (
	"net/http"
	"testing"

	"github.com/postern-id/postern/test/live"
)

// signedIn lets a new person sign in with a pass for many uses and returns their browser's code.
func (k *track) signedIn(t *testing.T) (b *live.Browser, user, code string, pass live.Issued) {
	t.Helper()
	user, name := k.person(t)
	pass = k.issue(t, user, `{}`)
	b = k.NewBrowser(from(0))
	code, err := b.SignIn(t.Context(), k.server(0), name, pass.Pass)
	if err != nil {
		t.Fatal(err)
	}
	return b, user, code, pass
}

func oneCode(t *testing.T, k *track) {
	_, _, code, _ := k.signedIn(t)
	k.oneWins(t, func(i int) (live.Tokens, error) { return k.Redeem(t.Context(), k.server(i), code) })
}

func oneRefresh(t *testing.T, k *track) {
	_, _, code, _ := k.signedIn(t)
	first, err := k.Redeem(t.Context(), k.server(0), code)
	if err != nil || first.Refresh == "" {
		t.Fatalf("redeem: %+v %v", first, err)
	}
	k.oneWins(t, func(i int) (live.Tokens, error) { return k.Refresh(t.Context(), k.server(i), first.Refresh) })
}

// oneWins races use and checks that one wins at most, and that nothing of it lives on.
func (k *track) oneWins(t *testing.T, use func(i int) (live.Tokens, error)) {
	t.Helper()
	var won []live.Tokens
	for i, o := range live.AtOnce(crowd, func(i int) outcomeOfUse {
		tokens, err := use(i)
		return outcomeOfUse{tokens, err}
	}) {
		switch {
		case o.err != nil:
			t.Errorf("use %d: %v", i, o.err)
		case o.tokens.Status == http.StatusOK:
			won = append(won, o.tokens)
		case o.tokens.Error != "invalid_grant":
			t.Errorf("use %d: %+v", i, o.tokens)
		}
	}
	if len(won) > 1 {
		t.Errorf("%d uses won", len(won))
	}
	for _, tokens := range won {
		if next, err := k.Refresh(t.Context(), k.server(0), tokens.Refresh); err != nil || next.Status == http.StatusOK {
			t.Errorf("the winner's refresh token survived the reuse: %+v %v", next, err)
		}
		if status, err := k.With(tokens.Access).Do(t.Context(), k.server(1), http.MethodGet, "/v1.0/me", "", nil); err != nil || status != http.StatusUnauthorized {
			t.Errorf("the winner's access token survived the reuse: %d %v", status, err)
		}
	}
}

type outcomeOfUse struct {
	tokens live.Tokens
	err    error
}
