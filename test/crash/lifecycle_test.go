package crash

import (
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "modernc.org/sqlite"             // the driver sqlite

	"github.com/postern-id/postern/internal/outbox/smtptest"
	"github.com/postern-id/postern/internal/store/pgtest"
	"github.com/postern-id/postern/test/live"
)

const (
	workflowsAt = "/v1.0/identityGovernance/lifecycleWorkflows/"
	// together is how many people a run is for.
	together = 4
)

// The tasks that each person gets, in their order.
const (
	joinTask, enableTask, callTask, welcomeTask, passTask = "22085229-5809-45e8-97fd-270d28d66910", "6fc52c9d-398b-4305-9763-15f42c1676fc",
		"4262b724-8dba-4fad-afc3-43fcbb497a0e", "70b29d51-b59a-4773-9280-8841dfd3f2ea", "1b555e50-7f65-41d5-b514-5894a026d10d"
)

// TestTasksUnderWayEndOnceWhenTheServerIsKilled kills the server while workflows, their mail, their calls and the
// messages about them are under way. What is left of a try that nobody ends is its lease; the test ends leases, as five
// minutes would.
func TestTasksUnderWayEndOnceWhenTheServerIsKilled(t *testing.T) {
	tests := []struct {
		name     string
		database func(testing.TB) string
	}{
		{"SQLite", func(testing.TB) string { return "" }},
		{"PostgreSQL", pgtest.Open},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "PostgreSQL" && os.Getenv("POSTERN_SOAK") == "" {
				t.Skip("POSTERN_SOAK=1 runs it: SQLite has the same tasks and fewer kinds of end")
			}
			o := newOffice(t, test.database(t))
			o.open(t)
			for round := range live.Rounds(3, 60) {
				o.hire(t, round)
				if err := o.server.Kill(); err != nil {
					t.Fatal(err)
				}
				o.strike(0)
				o.house.Forget()
				o.endLeases(t)
				o.start(t)
			}
			o.await(t)
			o.settled(t)
			if out, err := o.house.Run(t.Context(), "log", "verify"); err != nil {
				t.Errorf("log verify: %v\n%s", err, out)
			}
		})
	}
}

// An office has people join until it is killed.
type office struct {
	*run
	mail     *smtptest.Server
	outside  *httptest.Server
	workflow string
	people   map[string]string // nick by id

	mu      sync.Mutex
	got     map[string]map[string]bool // bodies of messages by webhook-id, so that a repeat is seen to be one
	holdAt  int                        // the call that gets no answer; zero answers all
	calls   int
	arrived chan struct{} // one has come that gets no answer
}

func newOffice(t *testing.T, database string) *office {
	t.Helper()
	o := &office{run: newRun(t, database), mail: &smtptest.Server{NoTLS: true}, people: map[string]string{}, got: map[string]map[string]bool{}}
	o.mail.Start(t)
	o.outside = httptest.NewUnstartedServer(o)
	o.outside.Config.ErrorLog = log.New(io.Discard, "", 0) // whoever calls is killed
	o.outside.StartTLS()
	t.Cleanup(o.outside.Close)
	ca := filepath.Join(t.TempDir(), "outside.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.outside.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", ca) // the server trusts it, and nobody else
	o.start(t)
	return o
}

// ServeHTTP is the service outside that is called.
func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body any
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	id, text := r.Header.Get("webhook-id"), r.URL.Path
	if call, ok := body.(map[string]any); ok && r.URL.Path == "/events" {
		text += fmt.Sprint(" ", call["type"])
	}
	o.mu.Lock()
	if o.got[id] == nil {
		o.got[id] = map[string]bool{}
	}
	o.got[id][text] = true
	o.calls++
	held := o.calls == o.holdAt
	o.mu.Unlock()
	if held {
		close(o.arrived)
		<-r.Context().Done() // the server that called was killed
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// strike says which call from now on gets no answer; none when it is zero.
func (o *office) strike(at int) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls, o.holdAt, o.arrived = 0, at, make(chan struct{})
	return o.arrived
}

func (o *office) start(t *testing.T) {
	t.Helper()
	server, err := o.house.Start(t.Context(), "--smtp-host", smtptest.Host, "--smtp-port", strconv.Itoa(o.mail.Port), "--smtp-tls", "none",
		"--smtp-from", "postern@contoso.example", "--logout-network", "127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	o.server = server
	t.Cleanup(func() { _ = server.Kill() }) // usually it is dead by then
	if o.graph, err = o.house.Graph(t.Context(), server.URL); err != nil {
		t.Fatal(err)
	}
}

// make creates something and returns its id.
func (o *office) make(t *testing.T, path, body string) string {
	t.Helper()
	var made struct{ ID string }
	if status, err := o.graph.Do(t.Context(), o.server.URL, http.MethodPost, path, body, &made); err != nil || status > 299 {
		t.Fatalf("POST %s: %d %v\n%s", path, status, err, o.server.Words())
	}
	return made.ID
}

// open makes the workflow, and all that it names.
func (o *office) open(t *testing.T) {
	t.Helper()
	boss := o.make(t, "/v1.0/users", `{"accountEnabled":true,"displayName":"Boss","mailNickname":"boss","mail":"boss@contoso.example","userPrincipalName":"boss@contoso.example"}`)
	o.people[boss] = "boss"
	group := o.make(t, "/v1.0/groups", `{"displayName":"Team","mailNickname":"team","mailEnabled":false,"securityEnabled":true}`)
	extension := o.make(t, workflowsAt+"customTaskExtensions", `{"displayName":"Badge","endpointConfiguration":{"@odata.type":"#microsoft.graph.logicAppTriggerEndpointConfiguration","url":"`+o.outside.URL+`/badge"}}`)
	o.make(t, "/v1.0/postern/webhooks", `{"displayName":"SIEM","url":"`+o.outside.URL+`/events","events":["pass.issued"]}`)
	var tasks []string
	for _, task := range [][2]string{
		{joinTask, `{"name":"groupID","value":"` + group + `"}`},
		{enableTask, ""},
		{callTask, `{"name":"customTaskExtensionID","value":"` + extension + `"}`},
		{welcomeTask, ""},
		{passTask, `{"name":"tapLifetimeMinutes","value":"480"},{"name":"tapIsUsableOnce","value":"true"}`},
	} {
		tasks = append(tasks, `{"isEnabled":true,"displayName":"`+task[0]+`","taskDefinitionId":"`+task[0]+`","arguments":[`+task[1]+`]}`)
	}
	o.workflow = o.make(t, workflowsAt+"workflows", `{"category":"joiner","displayName":"Hires","isEnabled":true,"isSchedulingEnabled":false,
		"executionConditions":{"@odata.type":"#microsoft.graph.identityGovernance.onDemandExecutionOnly"},"tasks":[`+strings.Join(tasks, ",")+`]}`)
}

// hire has some people join, and returns at a random moment: after a time, or when somebody outside was called and
// has not answered yet.
func (o *office) hire(t *testing.T, round int) {
	t.Helper()
	var subjects []string
	for n := range together {
		nick := fmt.Sprintf("h%d-%d", round, n)
		id := o.make(t, "/v1.0/users", fmt.Sprintf(`{"accountEnabled":false,"displayName":%q,"mailNickname":%q,"mail":%q,"userPrincipalName":%q}`, nick, nick, live.Name(nick), live.Name(nick)))
		o.people[id] = nick
		subjects = append(subjects, `{"id":"`+id+`"}`)
		for boss, name := range o.people {
			if name == "boss" {
				body := `{"@odata.id":"https://graph.microsoft.com/v1.0/users/` + boss + `"}`
				if status, err := o.graph.Do(t.Context(), o.server.URL, http.MethodPut, "/v1.0/users/"+id+"/manager/$ref", body, nil); err != nil || status != http.StatusNoContent {
					t.Fatalf("set the manager: %d %v", status, err)
				}
			}
		}
	}
	var struck <-chan struct{}
	if round%2 == 1 {
		struck = o.strike(1 + o.chance.IntN(together))
	}
	path := workflowsAt + "workflows/" + o.workflow + "/microsoft.graph.identityGovernance.activate"
	if status, err := o.graph.Do(t.Context(), o.server.URL, http.MethodPost, path, `{"subjects":[`+strings.Join(subjects, ",")+`]}`, nil); err != nil || status != http.StatusNoContent {
		t.Fatalf("activate: %d %v", status, err)
	}
	moment := time.NewTimer(latest)
	if struck == nil {
		moment.Reset(time.Duration(o.chance.Int64N(int64(2 * latest))))
	} else {
		moment.Reset(time.Minute)
	}
	select {
	case <-struck:
	case <-moment.C:
		if struck != nil {
			t.Fatalf("nobody was called\n%s", o.server.Words())
		}
	}
}

// endLeases does what five minutes do.
func (o *office) endLeases(t *testing.T) {
	t.Helper()
	driver, at := "sqlite", filepath.Join(o.house.Dir, "postern.db")
	if o.house.Database != "" {
		driver, at = "pgx", o.house.Database
	}
	db, err := sql.Open(driver, at)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range []string{"job", "outbox"} {
		if _, err := db.ExecContext(t.Context(), "UPDATE "+table+" SET lease_until = 0 WHERE lease_until <> 0"); err != nil {
			t.Fatal(err)
		}
	}
}

// A result is what a run did for a person.
type result struct {
	Subject               struct{ ID string }
	ProcessingStatus      string
	TaskProcessingResults []struct {
		ProcessingStatus, FailureReason string
		Task                            struct{ TaskDefinitionID string }
	}
}

func (o *office) results(t *testing.T) []result {
	t.Helper()
	all, err := live.List[result](t.Context(), o.graph, o.server.URL, workflowsAt+"workflows/"+o.workflow+"/userProcessingResults?$expand=taskProcessingResults")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// await waits until everybody's tasks have ended, and what they sent has come.
func (o *office) await(t *testing.T) {
	t.Helper()
	tick, late := time.NewTicker(50*time.Millisecond), time.After(2*time.Minute)
	defer tick.Stop()
	for {
		open := 0
		for _, r := range o.results(t) {
			if r.ProcessingStatus == "queued" || r.ProcessingStatus == "inProgress" {
				open++
			}
		}
		mails, told := o.mails(t), o.told("/events pass.issued")
		if hired := len(o.people) - 1; open == 0 && told >= hired && mails["boss@contoso.example"] >= hired && len(mails) > hired {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%d people's tasks don't end; %d messages, mail %v\n%s", open, told, mails, o.server.Words())
		}
	}
}

// mails counts different mails by whom they are to: a repeat has the same Message-ID.
func (o *office) mails(t *testing.T) map[string]int {
	t.Helper()
	seen, all := map[string]bool{}, map[string]int{}
	for _, m := range o.mail.Mails() {
		if id := m.Message(t).Header.Get("Message-ID"); !seen[id] {
			seen[id] = true
			all[m.To[0]]++
		}
	}
	return all
}

// told counts the different messages of a kind.
func (o *office) told(kind string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, texts := range o.got {
		if texts[kind] {
			n++
		}
	}
	return n
}

// settled checks that each task was done once, or says why not.
func (o *office) settled(t *testing.T) {
	t.Helper()
	results, hired := o.results(t), len(o.people)-1
	if len(results) != hired {
		t.Errorf("%d people joined, and runs have %d", hired, len(results))
	}
	done := 0
	for _, r := range results {
		for _, task := range r.TaskProcessingResults {
			switch {
			case task.ProcessingStatus == "completed":
				done++
			case task.FailureReason == "":
				t.Errorf("%s: task %s is %s and says not why", o.people[r.Subject.ID], task.Task.TaskDefinitionID, task.ProcessingStatus)
			default:
				t.Logf("%s: %s", o.people[r.Subject.ID], task.FailureReason)
			}
		}
		o.settledOne(t, r.Subject.ID)
	}
	mails := o.mails(t)
	for _, nick := range o.people {
		if want := map[bool]int{true: hired, false: 1}[nick == "boss"]; mails[live.Name(nick)] != want {
			t.Errorf("%s got %d mails and not %d", nick, mails[live.Name(nick)], want)
		}
	}
	if badges, told := o.told("/badge"), o.told("/events pass.issued"); badges != hired || told != hired {
		t.Errorf("%d people joined: %d calls, and %d messages that a pass was issued", hired, badges, told)
	}
	for id, texts := range o.got {
		if len(texts) != 1 {
			t.Errorf("%s is the id of %v", id, texts)
		}
	}
	if done != 5*hired {
		t.Errorf("%d tasks of %d were done", done, 5*hired)
	}
}

// settledOne checks what was changed for one person.
func (o *office) settledOne(t *testing.T, id string) {
	t.Helper()
	activities := map[string]int{}
	for _, e := range o.events(t, "targetResources/any(t:t/id eq '"+id+"')") {
		activities[e.ActivityDisplayName]++
	}
	for _, activity := range []string{"Enable account", "Add member to group", "Admin registered security info"} {
		if activities[activity] != 1 {
			t.Errorf("%s: %d events %q: %v", o.people[id], activities[activity], activity, activities)
		}
	}
	passes, err := live.List[live.Issued](t.Context(), o.graph, o.server.URL, "/v1.0/users/"+id+"/authentication/temporaryAccessPassMethods")
	if err != nil || len(passes) != 1 {
		t.Errorf("%s has %d passes, %v", o.people[id], len(passes), err)
	}
}
