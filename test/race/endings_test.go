package race

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/postern-id/postern/test/live"
)

// endsWithin is how long after the answer to a change Graph may still take a token.
const endsWithin = 2 * time.Second

// an ending is what ends a person's access.
type ending struct {
	name               string
	method, path, body string // of the request that ends it
	token              string // of the person, for Graph
}

// accessEnds lets four people's access end, each in its own way at another server, and asks every
// server at once, until it refuses, about a token that all of them took before.
func accessEnds(t *testing.T, k *track) {
	const rules = "/v1.0/identity/conditionalAccess/policies"
	var all []ending
	for i, name := range []string{"disabled", "revoked", "blocked by a rule", "pass deleted"} {
		_, user, code, pass := k.signedIn(t)
		tokens, err := k.Redeem(t.Context(), k.server(i), code)
		if err != nil || tokens.Access == "" {
			t.Fatalf("redeem: %+v %v", tokens, err)
		}
		e := ending{name: name, method: http.MethodPatch, path: "/v1.0/users/" + user, token: tokens.Access}
		switch i {
		case 0:
			e.body = `{"accountEnabled":false}`
		case 1:
			e.method, e.path = http.MethodPost, e.path+"/revokeSignInSessions"
		case 2:
			var rule struct{ ID string }
			body := fmt.Sprintf(`{"displayName":"Stop","state":"disabled","conditions":{"users":{"includeUsers":[%q]},"applications":{"includeApplications":["All"]}},
				"grantControls":{"operator":"OR","builtInControls":["block"]}}`, user)
			if status, err := k.Do(t.Context(), k.server(i), http.MethodPost, rules, body, &rule); err != nil || status != http.StatusCreated {
				t.Fatalf("make a rule: %d %v", status, err)
			}
			e.path, e.body = rules+"/"+rule.ID, `{"state":"enabled","postern_force":true}` // it leaves somebody no way back in, as it should
			defer func() {
				if status, err := k.Do(t.Context(), k.server(0), http.MethodDelete, e.path, "", nil); err != nil || status != http.StatusNoContent {
					t.Errorf("delete the rule: %d %v", status, err)
				}
			}()
		case 3:
			e.method, e.path = http.MethodDelete, e.path+"/authentication/temporaryAccessPassMethods/"+pass.ID
		}
		all = append(all, e)
	}
	for i, e := range all {
		for _, server := range k.servers {
			if status, err := k.asks(t, server, e.token); err != nil || status != http.StatusOK {
				t.Fatalf("%s: before: %d %v", e.name, status, err)
			}
		}
		if status, err := k.Do(t.Context(), k.server(i), e.method, e.path, e.body, nil); err != nil || status > 299 {
			t.Fatalf("%s: %d %v", e.name, status, err)
		}
		ended := time.Now()
		took := live.AtOnce(len(k.servers), func(i int) time.Duration {
			after, err := k.refusedAfter(t, k.servers[i], e.token, ended)
			if err != nil {
				t.Errorf("%s: server %d: %v", e.name, i, err)
			}
			return after
		})
		t.Logf("%s: refused after %v", e.name, took)
		for i, server := range k.servers {
			if status, err := k.asks(t, server, e.token); err != nil || status != http.StatusUnauthorized {
				t.Errorf("%s: server %d takes it again: %d %v", e.name, i, status, err)
			}
		}
	}
}

// refusedAfter asks a server again and again until it refuses, and returns how long after ended
// the request was sent that it refused. Only one that was sent too late may fail, so that a slow
// answer of a busy machine decides nothing.
func (k *track) refusedAfter(t *testing.T, server, token string, ended time.Time) (time.Duration, error) {
	for {
		after := time.Since(ended)
		switch status, err := k.asks(t, server, token); {
		case err != nil:
			return after, err
		case status == http.StatusUnauthorized:
			return after, nil
		case status != http.StatusOK:
			return after, fmt.Errorf("status %d", status)
		case after > endsWithin:
			return after, errors.New("still let in " + after.String() + " after the change")
		}
	}
}

// asks asks Graph who the person of a token is.
func (k *track) asks(t *testing.T, server, token string) (int, error) {
	return k.With(token).Do(t.Context(), server, http.MethodGet, "/v1.0/me", "", nil)
}
