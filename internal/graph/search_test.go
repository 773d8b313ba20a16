package graph_test

import (
	"testing"
)

func TestApplicationsAreFoundByTheirWords(t *testing.T) {
	w := newWorld(t, append(manage, "Group.ReadWrite.All")...)
	app := w.call(201, "POST", "/v1.0/applications", `{"displayName":"Travel expenses (old)"}`)
	id, appID := app["id"].(string), app["appId"].(string)
	w.call(201, "POST", "/v1.0/servicePrincipals", `{"appId":"`+appID+`"}`)
	find := func(set, words string, want int) {
		t.Helper()
		list := w.call(200, "GET", "/v1.0/"+set+"?$search=%22displayName:"+words+"%22", "")["value"].([]any)
		if len(list) != want {
			t.Errorf("%s with %q: %d, want %d", set, words, len(list), want)
		}
	}
	for _, set := range []string{"applications", "servicePrincipals"} {
		find(set, "exp", 1)
		find(set, "Old", 1)
		find(set, "penses", 0)
	}
	w.call(204, "PATCH", "/v1.0/applications/"+id, `{"displayName":"Invoices"}`)
	for _, set := range []string{"applications", "servicePrincipals"} {
		find(set, "exp", 0)
		find(set, "invo", 1)
	}
	w.call(204, "DELETE", "/v1.0/applications/"+id, "")
	find("applications", "invo", 0)
	find("servicePrincipals", "invo", 0)
	w.call(200, "POST", "/v1.0/directory/deletedItems/"+id+"/restore", "")
	find("applications", "invo", 1)
	find("servicePrincipals", "invo", 1)
}

func TestAGroupIsKnownByItsUniqueName(t *testing.T) {
	w := newWorld(t, append(manage, "Group.ReadWrite.All")...)
	body := func(name string) string {
		return `{"displayName":"Logistics","mailNickname":"logistics","mailEnabled":false,"securityEnabled":true,"uniqueName":"` + name + `"}`
	}
	g := w.call(201, "POST", "/v1.0/groups", body("Contoso.Logistics"))
	id := g["id"].(string)
	path := "/v1.0/groups(uniqueName='contoso.LOGISTICS')"
	if found := w.call(200, "GET", path+"?$select=id,uniqueName", ""); found["id"] != id || found["uniqueName"] != "Contoso.Logistics" {
		t.Errorf("found %v", found)
	}
	w.call(200, "GET", path+"/members", "")
	w.call(204, "PATCH", path, `{"description":"by name"}`)
	w.call(400, "PATCH", path, `{"uniqueName":"other"}`)
	w.call(400, "POST", "/v1.0/groups", body("contoso.logistics"))
	w.call(400, "POST", "/v1.0/groups", body(" blank"))
	w.call(404, "GET", "/v1.0/groups(uniqueName='other')", "")
	w.call(404, "GET", "/v1.0/groups(displayName='Logistics')", "")
	w.call(204, "DELETE", path, "")
	w.call(404, "GET", path, "")
	w.call(200, "POST", "/v1.0/directory/deletedItems/"+id+"/restore", "")
	w.call(200, "GET", path, "")
	w.call(204, "DELETE", path, "")
	w.call(201, "POST", "/v1.0/groups", body("contoso.logistics")) // the name is free again
	w.call(400, "POST", "/v1.0/directory/deletedItems/"+id+"/restore", "")
}
