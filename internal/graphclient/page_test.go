package graphclient_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/postern-id/postern/internal/graphclient"
)

func TestAPageSaysWhereTheNextOneStarts(t *testing.T) {
	c, _, _ := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.URL.Path != "/v1.0/groups/g/members" || q.Get("$top") != "2" || r.Header.Get("ConsistencyLevel") != "eventual" {
			t.Errorf("asked %s with %q", r.URL, r.Header.Get("ConsistencyLevel"))
		}
		if q.Get("$skiptoken") == "" {
			fmt.Fprintf(w, `{"@odata.count":3,"value":[{"id":"1"},{"id":"2"}],"@odata.nextLink":"http://%s/v1.0/groups/g/members?%%24top=2&%%24skiptoken=a%%2Bb"}`, r.Host)
			return
		}
		if q.Get("$skiptoken") != "a+b" {
			t.Errorf("goes on at %q", q.Get("$skiptoken"))
		}
		fmt.Fprint(w, `{"value":[{"id":"3"}]}`)
	})
	first, err := c.Page(t.Context(), graphclient.Query{Top: 2, Count: true}, "groups", "g", "members")
	if err != nil || len(first.Items) != 2 || first.Count != 3 || first.Next != "a+b" {
		t.Fatalf("got %+v, %v", first, err)
	}
	last, err := c.Page(t.Context(), graphclient.Query{Top: 2, Count: true, SkipToken: first.Next}, "groups", "g", "members")
	if err != nil || len(last.Items) != 1 || last.Count != -1 || last.Next != "" {
		t.Errorf("got %+v, %v", last, err)
	}
}

func TestAPageOfAnotherServerIsNotFollowed(t *testing.T) {
	c, _, _ := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"value":[],"@odata.nextLink":"https://elsewhere.example/v1.0/users?$skiptoken=x"}`)
	})
	if page, err := c.Page(t.Context(), graphclient.Query{}, "users"); err == nil {
		t.Errorf("goes on at %q", page.Next)
	}
}
