package logs

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A view is a list that the person saved.
type view struct{ ID, Name, Href string }

// viewsOf returns what the person saved of a page; nothing where that fails, since the list
// itself is there.
func viewsOf(c *console.Call, page string) []view {
	all, err := c.Graph.Page(c.Context(), graphclient.Query{}, "postern", "me", "views")
	if err != nil {
		return nil
	}
	var found []view
	for _, o := range all.Items {
		if o.Text("page") == page {
			found = append(found, view{o.Text("id"), o.Text("name"), "/console/" + page + "?" + o.Text("query")})
		}
	}
	return found
}

// trailOf is the log that a form is about.
func trailOf(name string) trail {
	if name == changeLog.name {
		return changeLog
	}
	return signInLog
}

// saveView takes the form under a list. Its filters come as they stand in the address.
func saveView(c *console.Call) error {
	t, name := trailOf(c.Form("trail")), c.Form("name")
	asked, err := url.ParseQuery(c.Form("filters"))
	if err != nil {
		asked = url.Values{}
	}
	filters := plain(asked)
	filters.Del("live")
	_, err = c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{"page": "logs/" + t.name, "name": name, "query": filters.Encode()}, "postern", "me", "views")
	if trouble := console.Explain(err); err != nil && trouble != nil {
		c.R.URL.Path, c.R.URL.RawQuery = "/console/logs/"+t.name, filters.Encode()
		return t.show(c, http.StatusBadRequest, trouble, name)
	}
	if err != nil {
		return err
	}
	return c.Go(t.href(filters, "", ""), "logs_view_saved")
}

func removeView(c *console.Call) error {
	t := trailOf(c.Form("trail"))
	if _, err := c.Graph.Do(c.Context(), http.MethodDelete, nil, "postern", "me", "views", c.R.PathValue("id")); err != nil {
		return err
	}
	back := "/console/logs/" + t.name
	if f := strings.TrimPrefix(c.Form("filters"), "?"); f != "" {
		if asked, err := url.ParseQuery(f); err == nil {
			back = t.href(asked, "", "")
		}
	}
	return c.Go(back, "logs_view_removed")
}
