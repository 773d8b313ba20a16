package access

import (
	"reflect"
	"testing"

	"github.com/postern-id/postern/internal/graphclient"
)

func TestWhatIsLeftOutStaysLeftOutWhenTheFormIsSaved(t *testing.T) {
	for _, include := range []string{all, "app-1"} {
		d := draftOf(graphclient.Object{"conditions": map[string]any{"applications": map[string]any{
			"includeApplications": []any{include}, "excludeApplications": []any{"app-2"},
		}}})
		apps := d.applications()
		if !reflect.DeepEqual(apps["includeApplications"], []string{include}) || !reflect.DeepEqual(apps["excludeApplications"], []string{"app-2"}) {
			t.Errorf("%s came back as %v", include, apps)
		}
	}
}
