package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/graphclient"
)

type anyToken struct{}

func (anyToken) Token(context.Context) (graphclient.Secret, error) {
	return graphclient.NewSecret("token"), nil
}

func TestAnImportGoesOnWhereASlowServerStopped(t *testing.T) {
	const people = 450
	seen := map[string]int{}
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Rows []struct {
				Row    int      `json:"row"`
				Values []string `json:"values"`
			} `json:"rows"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		rows := []map[string]any{}
		for _, row := range in.Rows[:min(len(in.Rows), 7)] {
			seen[row.Values[0]]++
			rows = append(rows, map[string]any{"row": row.Row, "outcome": "added", "userPrincipalName": row.Values[0], "managerMissing": row.Row == 3 && seen[row.Values[0]] == 1})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"rows": rows})
	}))
	defer slow.Close()
	client, err := graphclient.New(graphclient.Config{Graph: slow.URL, Tokens: anyToken{}, HTTP: slow.Client()})
	if err != nil {
		t.Fatal(err)
	}
	var out, said bytes.Buffer
	c := &cobra.Command{}
	c.SetContext(t.Context())
	c.SetOut(&out)
	c.SetErr(&said)
	var file strings.Builder
	file.WriteString("userPrincipalName\n")
	for n := range people {
		fmt.Fprintf(&file, "n%d@contoso.example\n", n)
	}
	i := importer{e: &env{command: c, graph: client}, seen: map[string]int{}, counts: map[string]int{}}
	if err := i.run(strings.NewReader(file.String())); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "450 added") || strings.Count(out.String(), "\n") != people || len(seen) != people {
		t.Errorf("%d people were sent, %d lines told; %s", len(seen), strings.Count(out.String(), "\n"), said.String())
	}
	for name, times := range seen {
		if want := map[bool]int{true: 2, false: 1}[name == "n1@contoso.example"]; times != want {
			t.Errorf("%s was imported %d times", name, times)
		}
	}
}
