// Package arch holds the arrows of docs/design.md: which package may import which.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/postern-id/postern/"

// postern is the house as it stands. A pattern that ends in /... also means all below it.
var postern = house{
	// Top first. A package imports what is in the rows below its own, and within its own
	// row only its own folder, unless the row says beside. A new package gets a place here.
	rows: []row{
		// Proofs run the built programs; of the house they use what tests use.
		{name: "proofs", packages: "test/... bench/...", beside: true},
		{name: "programs", packages: "cmd/..."},
		{name: "server", packages: "internal/server/..."},
		// The store implements what the rows below declare, the edges included.
		{name: "store", packages: "internal/store/..."},
		{name: "edges", packages: "internal/pages/... internal/graph/... internal/oauth/... internal/samlidp internal/sample/... " +
			"internal/console/... internal/cli/... internal/deviceapi/... internal/phoneapi/... internal/scim/... internal/agent/..."},
		{name: "web", packages: "internal/request/... internal/browser/..."},
		{name: "wire", packages: "internal/device/..."},
		{name: "onboarding", packages: "internal/lifecycle/..."},
		{name: "recovery", packages: "internal/recovery/..."},
		{name: "methods", packages: "internal/method/authenticator/... internal/method/federated/... internal/method/hello/... internal/method/passkey/... " +
			"internal/method/password/... internal/method/tap/... internal/method/totp/... internal/devicepolicy/... internal/report/..."},
		{name: "method", packages: "internal/method internal/method/methodtest", beside: true}, // what all methods share
		{name: "signin", packages: "internal/signin/..."},
		{name: "facts", packages: "internal/access/... internal/directory/... internal/federation/... internal/keyring/... internal/token/... " +
			"internal/jobs/... internal/outbox/... internal/webhook/... internal/attestation/... internal/pinkey/... internal/membership internal/provision", beside: true},
		{name: "aids", packages: "internal/audit/... internal/backup/... internal/clock internal/dpop/... internal/filter/... internal/gate/... internal/graphclient/... internal/places/... internal/outbound internal/saml/... internal/slowhash"},
		{name: "words", packages: "internal/fault internal/design internal/arch docs"},
	},
	never: []ban{
		{
			who:  "internal/...",
			what: "net/http/... html/template",
			but: "internal/server/... internal/pages/... internal/graph/... internal/oauth/... internal/console/... " +
				"internal/cli/... internal/deviceapi/... internal/phoneapi/... internal/scim internal/outbound internal/webhook/sender internal/federation/oidc/... internal/federation/saml/... internal/samlidp internal/saml/soap internal/agent internal/agent/link internal/agent/websignin internal/agent/control internal/agent/greeter/... " +
				"internal/request/... internal/browser/... internal/graphclient/... internal/sample/... internal/design internal/agent/lockscreen internal/agent/virtual/...",
			why: "what decides knows no HTTP",
		},
		{
			who:  "cmd/... internal/...",
			what: "database/sql/... modernc.org/sqlite/... github.com/jackc/pgx/v5/... github.com/pressly/goose/v3/...",
			but:  "internal/store/...",
			why:  "all SQL is in the store",
		},
		{
			who:  "cmd/... internal/...",
			what: "internal/store/...",
			but:  "internal/server/... internal/store/...",
			why:  "only the server opens the store; others declare the interface they need",
		},
	},
	only: []limit{
		{
			who:  "cmd/...",
			what: "internal/server/... internal/agent/... internal/device internal/cli/... internal/console/alone internal/graphclient/... internal/fault",
			why:  "a program starts the server or the agent, or is a client of Graph",
		},
		{
			who:  "internal/console/...",
			what: "internal/graphclient/... internal/request/... internal/browser/... internal/fault internal/design",
			why:  "the console reaches data by Graph only",
		},
		{
			who:  "internal/cli/... cmd/postern/cli/...",
			what: "internal/graphclient/... internal/fault",
			why:  "the command line reaches data by Graph only",
		},
	},
}

type house struct {
	rows  []row
	never []ban
	only  []limit
}

type row struct {
	name     string
	packages string // patterns, separated by spaces; so are the fields below
	beside   bool   // packages of this row may import each other
}

// A ban refuses what to who, except to but.
type ban struct{ who, what, but, why string }

// A limit refuses who every other package of this module, except of the same folder.
type limit struct{ who, what, why string }

// broken returns a sentence for each import in graph that the house does not allow.
// Packages of this module go by their path inside it.
func (h house) broken(graph map[string][]string) []string {
	var out []string
	for _, from := range slices.Sorted(maps.Keys(graph)) {
		at := h.rowOf(from)
		if at < 0 {
			out = append(out, from+" has no row: give it a place in internal/arch")
			continue
		}
		for _, to := range graph[from] {
			if why := h.refusal(at, from, to); why != "" {
				out = append(out, from+" imports "+to+": "+why)
			}
		}
	}
	return out
}

// refusal says why from, a package of row at, may not import to, or nothing.
func (h house) refusal(at int, from, to string) string {
	own := strings.HasPrefix(to, "internal/") || strings.HasPrefix(to, "cmd/")
	// What the parts of a folder share is in the folder itself, below them.
	same := folder(from) == folder(to) || strings.HasPrefix(from, to+"/")
	if below := h.rowOf(to); own && !same && below >= 0 {
		if below < at {
			return "arrows point down, and the row " + h.rows[below].name + " is above " + h.rows[at].name
		}
		if below == at && !h.rows[at].beside {
			return "packages of one row do not know each other"
		}
	}
	for _, b := range h.never {
		if matches(b.who, from) && !matches(b.but, from) && matches(b.what, to) {
			return b.why
		}
	}
	for _, l := range h.only {
		if own && !same && matches(l.who, from) && !matches(l.what, to) {
			return l.why
		}
	}
	return ""
}

func (h house) rowOf(pkg string) int {
	return slices.IndexFunc(h.rows, func(r row) bool { return matches(r.packages, pkg) })
}

// folder returns the part of the house that pkg belongs to: cmd/x, internal/x, or
// internal/method/x, since every method is a part of its own.
func folder(pkg string) string {
	parts, n := strings.Split(pkg, "/"), 2
	if strings.HasPrefix(pkg, "internal/method/") {
		n = 3
	}
	return strings.Join(parts[:min(n, len(parts))], "/")
}

func matches(patterns, pkg string) bool {
	return slices.ContainsFunc(strings.Fields(patterns), func(p string) bool {
		tree, below := strings.CutSuffix(p, "/...")
		return pkg == tree || below && strings.HasPrefix(pkg, tree+"/")
	})
}

func TestArrowsPointDown(t *testing.T) {
	for _, system := range []string{"linux", "windows", "darwin"} {
		t.Run(system, func(t *testing.T) {
			for _, line := range postern.broken(imports(t, system)) {
				t.Error(line)
			}
		})
	}
}

func TestABrokenArrowIsFound(t *testing.T) {
	tests := []struct {
		name     string
		from, to string
		want     string // part of the sentence; "" if the import is fine
	}{
		{"sign-in may use a fact", "internal/signin", "internal/directory", ""},
		{"a method may be what sign-in asks for", "internal/method/tap", "internal/signin", ""},
		{"facts may use each other", "internal/token", "internal/keyring", ""},
		{"anything may use fault", "internal/audit", "internal/fault", ""},
		{"an edge may use HTTP", "internal/graph/odata", "net/http", ""},
		{"the store may use SQL", "internal/store", "database/sql", ""},
		{"the store may know what it implements", "internal/store", "internal/method/tap", ""},
		{"the server may know everything", "internal/server", "internal/store", ""},
		{"a program may know the server", "cmd/postern", "internal/server", ""},
		{"a part may use its own folder", "internal/oauth", "internal/oauth/pkce", ""},
		{"a suite may use the method it tests", "internal/method/tap/taptest", "internal/method/tap", ""},
		{"the console may use the Graph client", "internal/console", "internal/graphclient", ""},
		{"the command line may use libraries", "internal/cli", "github.com/spf13/cobra", ""},

		{"a fact knows no rule", "internal/directory", "internal/signin", "the row signin is above facts"},
		{"sign-in knows no edge", "internal/signin", "internal/pages", "the row edges is above signin"},
		{"sign-in knows no method", "internal/signin", "internal/method/tap", "the row methods is above signin"},
		{"fault knows nobody", "internal/fault", "internal/audit", "the row aids is above words"},
		{"the log knows no facts", "internal/audit", "internal/directory", "the row facts is above aids"},
		{"nobody below knows the server", "internal/graph", "internal/server", "the row server is above edges"},
		{"edges do not know each other", "internal/graph", "internal/oauth", "do not know each other"},
		{"methods do not know each other", "internal/method/tap", "internal/method/passkey", "do not know each other"},
		{"an edge knows no store", "internal/graph", "internal/store", "arrows point down"},
		{"a method knows no HTTP", "internal/method/tap", "net/http", "no HTTP"},
		{"sign-in knows no part of HTTP", "internal/signin", "net/http/httptest", "no HTTP"},
		{"a fact knows no SQL", "internal/directory", "database/sql", "all SQL is in the store"},
		{"the log knows no driver", "internal/audit", "github.com/jackc/pgx/v5/pgconn", "all SQL is in the store"},
		{"the server writes no SQL", "internal/server", "database/sql", "all SQL is in the store"},
		{"a program knows no store", "cmd/postern", "internal/store", "only the server opens the store"},
		{"a program knows no facts", "cmd/postern", "internal/directory", "a client of Graph"},
		{"the console reads no facts", "internal/console", "internal/directory", "by Graph only"},
		{"the command line reads no facts", "internal/cli", "internal/method/tap", "by Graph only"},
		{"the command line does not start the server", "cmd/postern/cli", "internal/server", "by Graph only"},
		{"a new package needs a place", "internal/utils", "fmt", "internal/utils has no row"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := strings.Join(postern.broken(map[string][]string{test.from: {test.to}}), "\n")
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// imports asks go list what each package of this module imports on the given system,
// tests left out.
func imports(t *testing.T, system string) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Dir,Imports", module+"...")
	cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	graph := map[string][]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir string
			Imports         []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		watch(t, p.Dir)
		from := strings.TrimPrefix(p.ImportPath, module)
		graph[from] = []string{}
		for _, to := range p.Imports {
			graph[from] = append(graph[from], strings.TrimPrefix(to, module))
		}
	}
	if len(graph) == 0 {
		t.Fatal("go list found no package")
	}
	return graph
}

// watch reads dir and its parent, so that go test, which does not see what go list reads,
// runs this test again when a file there changes.
func watch(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if _, err := os.ReadDir(d); err != nil {
			t.Fatal(err)
		}
	}
}
