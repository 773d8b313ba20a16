package graph

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
)

func TestWhatWasCountedIsKeptForTheQuestionThatItAnswers(t *testing.T) {
	nine := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	rules := access.Rules{Version: 7}
	draft := func(name string, made time.Time) []access.Policy {
		return []access.Policy{{ID: "draft-1", DisplayName: name, State: access.Enabled, CreatedAt: made}}
	}
	key := func(tenant string, r access.Rules, drafts []access.Policy) keptKey {
		t.Helper()
		k, err := keyOf("contoso", r, drafts)
		if err != nil {
			t.Fatal(err)
		}
		if tenant != "" {
			k.tenant = "fabrikam"
		}
		return k
	}
	var kept tallies
	kept.put(key("", rules, draft("Keys", nine)), tally{days: 7, at: nine, skipped: 1})
	for name, tt := range map[string]struct {
		key  keptKey
		days int
		at   time.Time
		want bool
	}{
		"the same draft, later":         {key("", rules, draft("Keys", nine.Add(time.Minute))), 7, nine.Add(time.Hour), true},
		"however far it looked back":    {key("", rules, draft("Keys", nine)), 0, nine, true},
		"further back":                  {key("", rules, draft("Keys", nine)), 8, nine, false},
		"more than an hour later":       {key("", rules, draft("Keys", nine)), 7, nine.Add(time.Hour + time.Second), false},
		"another draft":                 {key("", rules, draft("Passkeys", nine)), 7, nine, false},
		"no draft":                      {key("", rules, nil), 7, nine, false},
		"under rules that have changed": {key("", access.Rules{Version: 8}, draft("Keys", nine)), 7, nine, false},
		"of another tenant":             {key("other", rules, draft("Keys", nine)), 7, nine, false},
	} {
		if got, ok := kept.of(tt.key, tt.days, tt.at); ok != tt.want || ok && got.skipped != 1 {
			t.Errorf("%s: %v %v", name, got, ok)
		}
	}
	for i := range mostKept {
		kept.put(key("", access.Rules{Version: int64(100 + i)}, nil), tally{at: nine})
	}
	if _, ok := kept.of(key("", rules, draft("Keys", nine)), 7, nine); ok || len(kept.all) != mostKept {
		t.Errorf("%d are kept", len(kept.all))
	}
}
