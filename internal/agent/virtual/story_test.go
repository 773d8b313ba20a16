//go:build linux

package virtual_test

import (
	"testing"

	"github.com/postern-id/postern/internal/agent/virtual/story"
	"github.com/postern-id/postern/internal/graphclient"
)

func TestAStoryThatGoesWrongEndsThereAndSaysWhy(t *testing.T) {
	w := newWorld(t)
	var told []story.Scene
	one := w.devices[0]
	err := story.Play(t.Context(), story.Stage{
		Server: w.created.PublicURL, Tenant: w.created.TenantID, HTTP: w.client,
		Admin: w.created.Administrator, Pass: graphclient.NewSecret(w.created.Pass),
		LockScreen: w.site(0) + "/enter/AAAAAAAAAAAAAAAAAAAAAAAAAA", Device: one.Name, // somebody else's
		Helpdesk: "dana.novak@contoso.example", Person: "mira.okafor@contoso.example", Home: one.Home,
		Tell: func(s story.Scene) { told = append(told, s) },
	})
	if err == nil || len(told) != 2 || told[0].Err != nil || told[1].Err == nil {
		t.Errorf("it went on: %+v %v", told, err)
	}
}
