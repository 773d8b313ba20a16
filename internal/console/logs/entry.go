package logs

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/docs"
	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/graphclient"
)

// An entry is a line of a log as a page shows it.
type entry struct {
	graphclient.Object

	ID, Trail     string
	At            time.Time
	State, Icon   string // good, danger or caution, and its mark
	What          string // in plain words
	Who, WhoID    string // who signed in, or made the change
	How           string // by which methods, or to whom
	Reason        string // why it was refused, in words
	Remedy        string
	Number        string // AADSTS
	Rule          string // of Conditional Access, that refused it
	Address       string
	CorrelationID string
	Position      string // in the sealed log; "" when it is not known
	Old           bool   // from before today
	About         string // why it is part of a story: correlationId or pass
}

// Href is the entry's own page.
func (e entry) Href() string { return "/console/logs/" + e.Trail + "/" + e.ID }

// ShortCode is what can be read aloud for the correlation id.
func (e entry) ShortCode() string { return spoken(e.CorrelationID) }

// spoken writes the short code of a correlation id in groups of four.
func spoken(correlation string) string {
	code := design.ShortCode(correlation)
	if len(code) != 8 {
		return ""
	}
	return code[:4] + "-" + code[4:]
}

// Clock is the time of the entry to the second.
func (e entry) Clock(zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return e.At.In(zone).Format("15:04:05")
}

// JSON is the entry as Graph sends it.
func (e entry) JSON() string {
	var raw strings.Builder
	out := json.NewEncoder(&raw)
	out.SetEscapeHTML(false) // the template does that, and people read this
	out.SetIndent("", "  ")
	if out.Encode(e.Object) != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(raw.String()), "\n")
	for i, line := range lines {
		lines[i] = design.Clean(line)
	}
	return strings.Join(lines, "\n")
}

// unfinished are the numbers of sign-ins that wait for a further step and were not refused.
var unfinished = []string{"16000", "50055", "50058", "50072", "50074", "50076", "50079", "50125", "50127", "50129", "50140", "50144", "65001", "70016"}

// signInEntry reads a signIn of Graph.
func signInEntry(c *console.Call, o graphclient.Object) entry {
	e := entry{
		Object: o, ID: o.Text("id"), Trail: "signins", Who: o.Text("userDisplayName"), WhoID: o.Text("userId"), Address: o.Text("ipAddress"),
		CorrelationID: o.Text("correlationId"), Number: o.Text("status/errorCode"), State: "good", Icon: "check",
	}
	e.At, _ = time.Parse(time.RFC3339, o.Text("createdDateTime"))
	for _, name := range []string{"userPrincipalName", "servicePrincipalName", "appDisplayName"} {
		if e.Who == "" {
			e.Who = o.Text(name)
		}
	}
	var ways []string
	failed := ""
	for _, d := range o.Objects("authenticationDetails") {
		label := label(c, "logs_method_", d.Text("authenticationMethod"))
		if d.Text("succeeded") != "true" {
			failed = d.Text("authenticationMethod")
		}
		if !slices.Contains(ways, label) {
			ways = append(ways, label)
		}
	}
	if device := o.Text("deviceDetail/displayName"); device != "" {
		ways = append(ways, design.Clean(device))
	}
	e.How = strings.Join(ways, " · ")
	kind := o.Text("signInEventTypes")
	if e.Number == "" || e.Number == "0" {
		e.Number = ""
		e.What = label(c, "logs_in_", kind)
		if e.What == kind {
			e.What = c.Text("logs_in_interactiveuser")
		}
		return e
	}
	e.State, e.Icon = "danger", "stop"
	e.What = c.Text("logs_refused")
	if failed != "" {
		if key := "logs_refused_" + console.Slug(failed); c.Text(key) != key {
			e.What = c.Text(key)
		}
	}
	if slices.Contains(unfinished, e.Number) {
		e.State, e.Icon, e.What = "caution", "caution", c.Text("logs_unfinished")
	}
	e.Reason, e.Remedy = explain(e.Number, o.Text("status/failureReason"))
	for _, rule := range e.Rules() {
		if rule.Text("result") == "failure" {
			e.Rule = rule.Text("displayName")
			break
		}
	}
	return e
}

// Rules are the policies of Conditional Access that had something to say.
func (e entry) Rules() []graphclient.Object {
	return slices.DeleteFunc(e.Objects("appliedConditionalAccessPolicies"), func(o graphclient.Object) bool {
		return o.Text("result") == "notEnabled" || strings.HasSuffix(strings.ToLower(o.Text("result")), "notapplied")
	})
}

// explain returns what a number means, in the words of the log where it has some, and what to
// do.
func explain(number, said string) (reason, remedy string) {
	for _, code := range docs.Codes(number) {
		if said == "" || code.Text == said || remedy == "" {
			reason, remedy = code.Text, code.Remedy
		}
		if code.Text == said {
			break
		}
	}
	if said != "" {
		reason = said
	}
	return reason, remedy
}

// changeEntry reads a directoryAudit of Graph.
func changeEntry(c *console.Call, o graphclient.Object) entry {
	e := entry{
		Object: o, ID: o.Text("id"), Trail: "changes", Who: o.Text("initiatedBy/user/displayName"), WhoID: o.Text("initiatedBy/user/id"),
		Address: o.Text("initiatedBy/user/ipAddress"), CorrelationID: o.Text("correlationId"), State: "good", Icon: "check",
	}
	e.At, _ = time.Parse(time.RFC3339, o.Text("activityDateTime"))
	for _, name := range []string{"initiatedBy/user/userPrincipalName", "initiatedBy/app/displayName"} {
		if e.Who == "" {
			e.Who = o.Text(name)
		}
	}
	if e.Who == "" {
		e.Who = c.Text("logs_itself")
	}
	e.What = design.Clean(c.Did(o.Text("activityDisplayName"), o.Text("resultReason")))
	var whom []string
	for _, target := range o.Objects("targetResources") {
		name := target.Text("displayName")
		if name == "" {
			name = target.Text("userPrincipalName")
		}
		if name != "" && name != e.Who && !slices.Contains(whom, name) && len(whom) < 3 {
			whom = append(whom, design.Clean(name))
		}
	}
	e.How = strings.Join(whom, ", ")
	if strings.EqualFold(o.Text("result"), "failure") {
		e.State, e.Icon, e.Reason = "danger", "stop", o.Text("resultReason")
	}
	return e
}

// A detail is something that a change says of itself: a property with its values, or a fact.
type detail struct{ Name, Old, New string }

// Details are what a change changed, and what else it says.
func (e entry) Details() []detail {
	var all []detail
	for _, target := range e.Objects("targetResources") {
		for _, p := range target.Objects("modifiedProperties") {
			all = append(all, detail{p.Text("displayName"), unquoted(p.Text("oldValue")), unquoted(p.Text("newValue"))})
		}
	}
	for _, d := range e.Objects("additionalDetails") {
		all = append(all, detail{Name: d.Text("key"), New: d.Text("value")})
	}
	return all
}

// unquoted reads a value that the log keeps as JSON, where it is a text, or nothing.
func unquoted(s string) string {
	var text string
	if json.Unmarshal([]byte(s), &text) == nil {
		return text
	}
	if s == "[]" || s == "null" {
		return ""
	}
	return s
}

// label returns the words for a value of Graph, or the value itself.
func label(c *console.Call, prefix, value string) string {
	key := prefix + console.Slug(value)
	if text := c.Text(key); text != key {
		return text
	}
	return design.Clean(value)
}
