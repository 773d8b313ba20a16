package console

import (
	"net/http"

	"github.com/postern-id/postern/internal/graphclient"
)

// mostCalled is how many ids Graph names in one answer.
const mostCalled = 1000

// Called returns what people are called, by their ids; nothing of who is gone, or where names may
// not be read.
func (c *Call) Called(ids []string) map[string]string {
	names := map[string]string{}
	if len(ids) == 0 || !c.May("readUserBasic") {
		return names
	}
	answer, err := c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{"ids": ids[:min(len(ids), mostCalled)], "types": []string{"user"}}, "directoryObjects", "getByIds")
	if err != nil { // a help, not a need
		return names
	}
	for _, o := range answer.Objects("value") {
		names[o.Text("id")] = o.Text("displayName")
	}
	return names
}
