package cli

import (
	"testing"

	"github.com/postern-id/postern/internal/graphclient"
)

func TestTimesAreShownToTheSecondAndNothingElseIsTouched(t *testing.T) {
	o := graphclient.Object{
		"endDateTime": "2026-12-11T09:18:24.650741Z", "wholeDateTime": "2026-12-11T09:18:24Z", "emptyDateTime": "", "oddDateTime": "soon",
		"displayName": "2026-12-11T09:18:24.650741Z",
	}
	for name, want := range map[string]string{
		"endDateTime": "2026-12-11T09:18:24Z", "wholeDateTime": "2026-12-11T09:18:24Z", "emptyDateTime": "", "oddDateTime": "soon",
		"displayName": "2026-12-11T09:18:24.650741Z", "noDateTime": "",
	} {
		if got := shown(o, name); got != want {
			t.Errorf("%s is shown as %q, not %q", name, got, want)
		}
	}
}
