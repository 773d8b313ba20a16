package graphclient

import (
	"net/url"
	"testing"
)

func TestAnotherGraphIsAskedForNothingOfPosterns(t *testing.T) {
	for _, one := range []struct{ what, in, want string }{
		{"own properties", "/devices?$select=id,postern_status,displayName", "/devices?%24select=id%2CdisplayName"},
		{"own properties of what is expanded", "/x?$expand=tasks($select=id,postern_waitsFor,task)", "/x?%24expand=tasks%28%24select%3Did%2Ctask%29"},
		{"a cast", "/me/transitiveMemberOf/microsoft.graph.directoryRole", "/me/transitiveMemberOf/microsoft.graph.directoryRole?%24count=true"},
		{"an order", "/groups?$orderby=displayName", "/groups?%24count=true&%24orderby=displayName"},
		{"an order of what is expanded", "/groups?$expand=owners&$orderby=displayName", "/groups?%24expand=owners&%24orderby=displayName"},
		{"logs, which count nothing", "/auditLogs/signIns?$orderby=createdDateTime", "/auditLogs/signIns?%24orderby=createdDateTime"},
	} {
		u, err := url.Parse("https://graph.example/v1.0" + one.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := elsewhere(u).String(); got != "https://graph.example/v1.0"+one.want {
			t.Errorf("%s: got %s", one.what, got)
		}
	}
}
