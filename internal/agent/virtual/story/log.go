package story

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

// logged is what the log has to tell of the story, in this order. Between two of them other
// lines may stand.
var logged = []struct {
	what string
	is   func(p *play, e entry) bool
}{
	{"the helpdesk issued the first pass", func(p *play, e entry) bool { return p.issued(e, reasonFirst) }},
	{"the person signed in on the device with it", (*play).byWeb},
	{"a PIN was registered", (*play).registered},
	{"the person signed in with it", (*play).byPIN},
	{"the helpdesk issued the pass for the damaged PIN", func(p *play, e entry) bool { return p.issued(e, reasonBroken) }},
	{"the person signed in on the device with it", (*play).byWeb},
	{"the new PIN was registered", (*play).registered},
	{"the person signed in with the new PIN", (*play).byPIN},
	{"the spent pass was refused", func(_ *play, e entry) bool { return e.signIn && e.code == passUsed }},
}

// browser is the kind of program that web sign-in comes from; a PIN comes from the agent itself.
const browser = "Browser"

// passUsed is Entra's number for a one-time pass that was used before.
const passUsed = "130505"

// An entry is one line of the sign-in log or of the audit log.
type entry struct {
	at       time.Time
	signIn   bool
	activity string // of a change; for a sign-in the application
	by       string // who changed it; for a sign-in where
	client   string // kind of program that a sign-in came from
	code     string // of a sign-in; "0" is success
	reason   string // that the pass was issued for, or why a sign-in failed
}

func (p *play) issued(e entry, reason string) bool {
	return !e.signIn && e.reason == reason && e.activity == "Admin registered security info"
}

func (p *play) registered(e entry) bool {
	return !e.signIn && e.activity == "User registered security info"
}

func (p *play) byWeb(e entry) bool {
	return e.signIn && e.code == "0" && e.by == p.stage.Device && e.client == browser
}

func (p *play) byPIN(e entry) bool {
	return e.signIn && e.code == "0" && e.by == p.stage.Device && e.client != browser
}

// logs reads, as the administrator, what the server wrote down since the story began, and
// looks for every step of it; and for the refusal that only the device saw in what it says.
func (p *play) logs() error {
	var told []entry
	var missing string
	for range waits { // events can be read within two seconds
		var err error
		if told, err = p.entries(); err != nil {
			return err
		}
		if missing = p.missing(told); missing == "" {
			break
		}
		if err := graphclient.Wait(p.ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	for _, e := range told {
		p.say("%s", e)
	}
	if missing != "" {
		return fmt.Errorf("the log does not tell that %s", missing)
	}
	if err := p.browser.Open("/bench"); err != nil {
		return err
	}
	for _, code := range []string{"pinBroken", "pinWrong"} {
		if !strings.Contains(p.browser.Text(), code) {
			return fmt.Errorf("the device does not tell %s", code)
		}
		p.say("the device itself tells %s", code)
	}
	return nil
}

// missing returns what the log does not tell, or nothing.
func (p *play) missing(told []entry) string {
	next := 0
	for _, e := range told {
		if next < len(logged) && logged[next].is(p, e) {
			next++
		}
	}
	if next < len(logged) {
		return logged[next].what
	}
	return ""
}

// entries are what the log has about the person since the story began, oldest first.
func (p *play) entries() ([]entry, error) {
	since := p.began.UTC().Format(time.RFC3339)
	id := p.user.Text("id")
	signIns, err := all(p.admin.SignIns(p.ctx, graphclient.Query{Filter: fmt.Sprintf("userId eq '%s' and createdDateTime ge %s", id, since)}))
	if err != nil {
		return nil, err
	}
	changes, err := all(p.admin.DirectoryAudits(p.ctx, graphclient.Query{Filter: "activityDateTime ge " + since}))
	if err != nil {
		return nil, err
	}
	var told []entry
	for _, o := range signIns {
		if o["isInteractive"] == true { // the others are tokens that follow from one of these
			told = append(told, signInEntry(o))
		}
	}
	for _, o := range changes {
		if about(o, id) {
			told = append(told, changeEntry(o))
		}
	}
	sort.SliceStable(told, func(i, j int) bool { return told[i].at.Before(told[j].at) })
	return told, nil
}

func signInEntry(o graphclient.Object) entry {
	at, _ := time.Parse(time.RFC3339, o.Text("createdDateTime")) // zero sorts first
	return entry{
		at: at, signIn: true, activity: o.Text("appDisplayName"), by: o.Text("deviceDetail/displayName"), client: o.Text("clientAppUsed"),
		code: o.Text("status/errorCode"), reason: o.Text("status/failureReason"),
	}
}

func changeEntry(o graphclient.Object) entry {
	at, _ := time.Parse(time.RFC3339, o.Text("activityDateTime")) // zero sorts first
	e := entry{at: at, activity: o.Text("activityDisplayName"), by: o.Text("initiatedBy/user/displayName")}
	for _, target := range o.Objects("targetResources") {
		for _, m := range target.Objects("modifiedProperties") {
			if m.Text("displayName") == "postern_reason" {
				e.reason = strings.Trim(m.Text("newValue"), `"`)
			}
		}
	}
	return e
}

// String is the line as it is told.
func (e entry) String() string {
	at := e.at.Local().Format("15:04:05")
	if !e.signIn {
		return strings.TrimSuffix(fmt.Sprintf("%s  change   %s, by %s: %s", at, e.activity, e.by, e.reason), ": ")
	}
	how := "done"
	if e.code != "0" {
		how = fmt.Sprintf("refused (%s, %s)", e.code, e.reason)
	}
	switch {
	case e.by == "":
		return fmt.Sprintf("%s  sign-in  %s: %s", at, e.activity, how)
	case e.client == browser:
		return fmt.Sprintf("%s  sign-in  on %s, by web sign-in: %s", at, e.by, how)
	}
	return fmt.Sprintf("%s  sign-in  on %s, by PIN: %s", at, e.by, how)
}

// about reports whether a change is about a person.
func about(o graphclient.Object, id string) bool {
	return slices.ContainsFunc(o.Objects("targetResources"), func(t graphclient.Object) bool { return strings.EqualFold(t.Text("id"), id) })
}
