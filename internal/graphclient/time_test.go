package graphclient_test

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

func TestATimeIsReadWithPartsOfASecondAndIsZeroWhereNoneIsTold(t *testing.T) {
	o := graphclient.Object{
		"whole": "2026-11-27T09:00:00Z", "parts": "2026-11-27T09:00:00.25Z", "null": nil, "words": "tomorrow",
		"inner": map[string]any{"whole": "2026-11-27T10:00:00+01:00"},
	}
	nine := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	for name, want := range map[string]time.Time{
		"whole": nine, "parts": nine.Add(250 * time.Millisecond), "inner/whole": nine, "null": {}, "words": {}, "missing": {},
	} {
		if got := o.Time(name); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
