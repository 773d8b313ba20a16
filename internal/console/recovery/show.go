package recovery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type casePage struct { // case.html
	console.Frame
	Case     kase
	Next     next
	Said     *said // to which the reader may add the number
	Reader   reader
	Own      bool
	Took     bool   // the reader took part in what is disputed
	Seen     string // names what the case tells
	Once     onceShown
	Course   []entry
	Device   string // name
	Title    string
	Manager  string
	Ways     []way // to prove who asks
	NoNumber bool  // calling back would count, and there is no number to call
	Chosen   string
	Note     string
	Theirs   string // number of the case as who asks read it out
	Disputes bool   // it may still be denied
	SignIn   bool   // the reader has to sign in anew for what they tried
}

// File implements console.Page.
func (casePage) File() string { return "case.html" }

// show serves GET /console/recovery/cases/{id}.
func show(c *console.Call) error {
	return showAgain(c, http.StatusOK, nil)
}

// showAgain shows the case, and what went wrong with a step.
func showAgain(c *console.Call, status int, wrong error) error {
	o, err := c.Graph.Get(c.Context(), at(c.R.PathValue("id"))...)
	if err != nil {
		return err
	}
	p := casePage{Frame: c.Frame("recovery"), Case: caseOf(o), Reader: readerOf(c), Chosen: c.Form("way"), Note: c.Form("note"), Theirs: c.Form("theirs")}
	if wrong != nil {
		if p.Fault = console.Explain(wrong); p.Fault == nil || p.Fault.Status == http.StatusNotFound {
			return wrong
		}
	}
	k := &p.Case
	p.Own, p.Took, p.Next = k.Who.ID == p.Reader.ID, k.tookPart(p.Reader.ID), k.next(p.Reader, c.Now())
	if p.Next.Do != "prove" && p.Next.Do != "approve" { // their forms have a field for it
		p.Said = k.said(p.Reader)
	}
	// Who may approve by role and part is refused for how they signed in, or for whom it is about.
	p.SignIn = p.Fault != nil && p.Fault.Status == http.StatusForbidden && (p.Next.Do == "approve" || p.Said != nil && p.Said.Step == "approve")
	p.Disputes = p.Reader.Handles && k.Pass != nil && k.State != "disputed" && k.State != "reverted"
	if p.Course, err = courseOf(c, *k); err != nil {
		return err
	}
	p.Seen = seenOf(o)
	if name := c.Form("once"); name != "" && wrong == nil {
		if err := c.Take(name, &p.Once); err != nil && !errors.Is(err, console.ErrTaken) {
			return err
		}
	}
	user, err := p.about(c)
	if err != nil {
		return err
	}
	if p.Next.Do == "prove" {
		p.Ways = waysOf(o, user, p.Chosen)
		p.NoNumber = user != nil && rank(part(o, "proofLevels").Text("callBack")) > 0 && !slices.ContainsFunc(p.Ways, func(w way) bool { return w.Kind == "callBack" })
	}
	return c.Show(status, p)
}

// about reads what else there is to know of the person and the device. What can't be read is left out.
func (p *casePage) about(c *console.Call) (graphclient.Object, error) {
	u, err := c.Graph.Select(c.Context(), "id,displayName,userPrincipalName,jobTitle,department,mobilePhone,businessPhones", "users", p.Case.Who.ID)
	if refused, ok := errors.AsType[*graphclient.Error](err); ok && refused.Status < 500 {
		return nil, nil // the person is gone, or not to be read
	}
	if err != nil {
		return nil, err
	}
	p.Case.Who = who{u.Text("id"), u.Text("displayName"), u.Text("userPrincipalName")}
	p.Title = strings.Trim(u.Text("jobTitle")+", "+u.Text("department"), ", ")
	if manager, err := c.Graph.Select(c.Context(), "id,displayName", "users", p.Case.Who.ID, "manager"); err == nil { // a help, not a need
		p.Manager = manager.Text("displayName")
	}
	if p.Case.Device != "" && c.May("readDevices") {
		found, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: "deviceId eq " + graphclient.Quote(p.Case.Device), Select: "id,displayName", Top: 1}, "devices")
		if err == nil && len(found.Items) == 1 {
			p.Device = found.Items[0].Text("displayName")
		}
	}
	return u, nil
}

// seenOf names a state of a case: what it says, and nothing that only time changes.
func seenOf(o graphclient.Object) string {
	text, err := json.Marshal(o)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// follow serves GET /console/recovery/cases/{id}/events: it says when the case has changed, until it
// is over.
func follow(c *console.Call) error {
	return c.Live(func(context.Context) (string, bool, error) {
		o, err := c.Graph.Get(c.Context(), at(c.R.PathValue("id"))...)
		if err != nil {
			return "", false, err
		}
		return seenOf(o), !caseOf(o).Lives(), nil
	})
}

// An entry is one step in the course of a case.
type entry struct {
	Step     string // key of the words: recovery_step_{step}
	At       time.Time
	By       string
	Bad      bool
	Proof    *proof
	Approval *approval
	Pass     *pass
	Method   string // kind
	Device   string // name
	Said     string // by somebody
	Tried    string // what was refused, as the log calls it
}

// steps are the activities of the log that a case itself says nothing about.
var steps = map[string]string{
	"Close recovery case": "closed", "Cancel recovery case": "cancelled", "Refuse recovery case": "refused", "Expire recovery case": "expired",
	"Lift dispute of recovery case": "released", "Revert recovery case": "reverted",
}

// courseOf is every step of k, the first one first: what the case says, and from the log how it
// ended and what was refused.
func courseOf(c *console.Call, k kase) ([]entry, error) {
	all := []entry{{Step: "opened", At: k.Opened, By: k.OpenedBy, Said: k.Note}}
	for i, p := range k.Proofs {
		all = append(all, entry{Step: "proven", At: p.At, By: p.By, Proof: &k.Proofs[i], Said: p.Note})
	}
	for i, a := range k.Approvals {
		all = append(all, entry{Step: "approved", At: a.At, By: a.By, Approval: &k.Approvals[i], Said: a.Note})
	}
	if k.Pass != nil {
		all = append(all, entry{Step: "issued", At: k.Pass.At, By: k.Pass.By, Pass: k.Pass})
	}
	if !k.Used.IsZero() {
		all = append(all, entry{Step: "used", At: k.Used})
	}
	for _, r := range k.Registered {
		all = append(all, entry{Step: "registered", At: r.At, Method: r.Kind})
	}
	if d := k.Disputed; d != nil {
		all = append(all, entry{Step: "disputed", At: d.At, By: d.By, Said: d.Note, Bad: true})
	}
	logged, err := c.Graph.Page(c.Context(), graphclient.Query{}, at(k.ID, "timeline")...)
	if err != nil {
		return nil, err
	}
	for _, o := range logged.Items {
		e := entry{At: o.Time("activityDateTime"), By: byOf(o)}
		switch step := steps[o.Text("activityDisplayName")]; {
		case repeated(o):
			e.Step = "repeated"
		case o.Text("result") == "failure":
			e.Step, e.Bad, e.Tried, e.Said = "failed", true, console.Slug(o.Text("activityDisplayName")), o.Text("resultReason")
		case o.Text("activityDisplayName") == "Update device":
			e.switched(o)
		case step != "":
			e.Step, e.Bad = step, step == "refused" || step == "reverted"
			if step == k.State || step == "released" {
				e.Said = k.Why
			}
		default:
			continue
		}
		all = append(all, e)
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].At.UnixNano() < all[j].At.UnixNano() })
	return all, nil
}

// switched is an entry about a device of the case: a dispute switches it off, and its release on again.
func (e *entry) switched(o graphclient.Object) {
	e.Step, e.Bad = "off", true
	for _, target := range o.Objects("targetResources") {
		if target.Text("type") != "Device" {
			continue
		}
		e.Device = target.Text("displayName")
		for _, m := range target.Objects("modifiedProperties") {
			if m.Text("newValue") == "[true]" {
				e.Step, e.Bad = "on", false
			}
		}
	}
}

// repeated reports whether o is of a link of a mail that was pressed once more: nobody was turned away.
func repeated(o graphclient.Object) bool {
	for _, detail := range o.Objects("additionalDetails") {
		if detail.Text("value") == "caseStopped" {
			return true
		}
	}
	return false
}

// byOf is who took a step, by the log.
func byOf(o graphclient.Object) string {
	if name := o.Text("initiatedBy/user/displayName"); name != "" {
		return name
	}
	if name := o.Text("initiatedBy/user/userPrincipalName"); name != "" {
		return name
	}
	return o.Text("initiatedBy/app/displayName")
}
