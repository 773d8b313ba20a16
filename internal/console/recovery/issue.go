package recovery

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// errTyped says that a field can't be read.
var errTyped = &fault.Error{
	Kind: fault.Invalid, Code: "consoleFieldWrong",
	Text: "A field can't be read.", Remedy: "Minutes are a whole number, the start is a date and a time.",
}

// errMinutes says that the pass would work for too short or too long.
var errMinutes = &fault.Error{
	Kind: fault.Invalid, Code: "consoleCaseMinutes",
	Text: "The pass can't work for that long, or for so short a time.", Remedy: "Type a number in between, or leave it empty.",
}

type passPage struct { // pass.html
	console.Frame
	Case    kase
	Purpose string
	Minutes string
	Hand    string
	Once    string // spends itself when the form is sent
	Hands   []string
	Manager string // of the person, who may open it
	// Least and Most bound the minutes by both policies; Most is less where no time suits both, 0 where they are not known.
	Least, Most int
	Goes        *graphclient.PassPreview // with the pass that the new one ends; nil where none works
	Others      []kase                   // cases of the person that end with it
}

// Shut reports whether nobody could open the link of a way.
func (p passPage) Shut(way string) bool { return slices.Contains(p.Case.Shut, way) }

// Reader is the name of whom a way leads to.
func (p passPage) Reader(way string) string {
	if way == "manager" || way == "managerLink" {
		return p.Manager
	}
	return p.Case.Who.Name
}

// File implements console.Page.
func (passPage) File() string { return "pass.html" }

// Purposes are those that the proof is good for; those of one device only where the case has one.
func (p passPage) Purposes() []string {
	if p.Case.Grant == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Case.Grant.Purposes), func(one string) bool { return p.Case.Device == "" && (one == "signIn" || one == "resetPin") })
}

// askPass serves GET /console/recovery/cases/{id}/pass.
func askPass(c *console.Call) error {
	k, err := read(c)
	if err != nil {
		return err
	}
	if k.State != "approved" {
		return c.Go(hrefOf(k.ID), "")
	}
	return askPassAgain(c, http.StatusOK, k, nil)
}

func askPassAgain(c *console.Call, status int, k kase, wrong *console.Trouble) error {
	p := passPage{Frame: c.Frame("recovery"), Case: k, Purpose: c.Form("purpose"), Minutes: c.Form("minutes"), Hand: c.Form("hand")}
	p.Fault = wrong
	if all := p.Purposes(); !slices.Contains(all, p.Purpose) && len(all) > 0 {
		p.Purpose = all[0]
	}
	if manager, err := c.Graph.Select(c.Context(), "id,displayName", "users", k.Who.ID, "manager"); err == nil { // nobody else is offered
		if p.Manager = manager.Text("displayName"); manager.Text("id") == c.Person.ID {
			p.Manager = "" // nobody seals a pass for themselves
		}
	}
	for _, one := range ways {
		if slices.Contains(k.Hands, one) && (!strings.HasPrefix(one, "manager") || p.Manager != "") {
			p.Hands = append(p.Hands, one)
		}
	}
	open := slices.DeleteFunc(slices.Clone(p.Hands), p.Shut)
	if !slices.Contains(open, p.Hand) && len(open) > 0 {
		p.Hand = open[0]
	}
	err := p.outlook(c)
	if err != nil {
		return err
	}
	if p.Once, err = c.Hold("case", formLifetime); err != nil {
		return err
	}
	return c.Show(status, p)
}

// outlook reads what is to be known beforehand: how long the pass may work, and what ends with it.
func (p *passPage) outlook(c *console.Call) error {
	v, err := c.Graph.PreviewPass(c.Context(), p.Case.Who.ID, graphclient.PassRequest{})
	if err != nil {
		return err
	}
	if p.Case.Grant != nil {
		p.Least, p.Most = bounds(*p.Case.Grant, v)
	}
	if v.Replaces != nil && (v.Replaces.MethodUsabilityReason == "EnabledByPolicy" || v.Replaces.MethodUsabilityReason == "NotYetValid") {
		p.Goes = &v
	}
	all, err := waitingOf(c, p.Case.Who.ID)
	p.Others = slices.DeleteFunc(all, func(k kase) bool { return k.ID == p.Case.ID || k.State == "disputed" })
	return err
}

// bounds are the fewest and the most minutes that a pass of g may work under the policy of passes, too.
func bounds(g grant, v graphclient.PassPreview) (least, most int) {
	return v.Policy.MinimumLifetimeInMinutes, min(g.Minutes, v.Policy.MaximumLifetimeInMinutes)
}

// minutesOf reads the minutes that were typed, and refuses what g and the policy of passes do not allow.
func minutesOf(c *console.Call, k kase, typed string) (int, error) {
	n, err := strconv.Atoi(typed)
	if err != nil || n <= 0 {
		return 0, errTyped
	}
	if k.Grant == nil {
		return n, nil // and Graph says what else is missing
	}
	v, err := c.Graph.PreviewPass(c.Context(), k.Who.ID, graphclient.PassRequest{})
	if err != nil {
		return 0, err
	}
	if least, most := bounds(*k.Grant, v); n < least || n > most {
		return 0, errMinutes.With("minutes", fmt.Sprintf("This pass may work for %d to %d minutes.", least, most))
	}
	return n, nil
}

// held is what one page of package passes shows once.
type held struct {
	Pass string `json:"pass"`
	Way  string `json:"way"` // read or slip
	For  string `json:"for"` // the kind of its purpose
}

// onceShown is what the page of a case shows once.
type onceShown struct {
	Spoken string `json:"spoken,omitempty"` // code to read out
	Link   string `json:"link,omitempty"`   // to send to the manager
}

// ways are how an agent may let a pass reach the person; the sixth, browser, is the person's own.
var ways = []string{"read", "slip", "manager", "managerLink", "person"}

// readable is how long the one page that shows a pass may take to be asked for.
const readable = 2 * time.Minute

// issue serves POST /console/recovery/cases/{id}/pass: the pass is shown once, by package passes.
func issue(c *console.Call) error {
	k, err := read(c)
	if err != nil {
		return err
	}
	body := graphclient.Object{}
	if typed := c.Form("minutes"); typed != "" {
		n, err := minutesOf(c, k, typed)
		if err != nil {
			wrong := console.Explain(err)
			if wrong == nil || wrong.Status == http.StatusNotFound {
				return err
			}
			return askPassAgain(c, max(wrong.Status, http.StatusBadRequest), k, wrong)
		}
		body["lifetimeInMinutes"] = n
	}
	switch purpose := c.Form("purpose"); purpose {
	case "", "general":
	case "signIn", "resetPin":
		body["postern_purpose"] = purpose + ":" + k.Device
	default:
		body["postern_purpose"] = purpose
	}
	hand := c.Form("hand")
	if hand != "" {
		body["postern_handOver"] = hand
	}
	var sent string
	if err := c.Take(c.Form("form"), &sent); err != nil {
		if !errors.Is(err, console.ErrTaken) {
			return err
		}
		return askPassAgain(c, http.StatusConflict, k, console.Explain(errSent))
	}
	o, err := c.Graph.Matching(c.Form("etag")).Do(c.Context(), http.MethodPost, body, at(k.ID, "issue")...)
	if err != nil {
		wrong := console.Explain(err)
		if wrong == nil || wrong.Status == http.StatusNotFound {
			return err
		}
		return askPassAgain(c, max(wrong.Status, http.StatusBadRequest), k, wrong)
	}
	issued := part(o, "temporaryAccessPassMethod")
	if one := (onceShown{Spoken: issued.Text("postern_spokenCode"), Link: issued.Text("postern_handedOver/link")}); one != (onceShown{}) {
		name, err := c.Hold(one, readable)
		if err != nil {
			return err
		}
		return c.Go(hrefOf(k.ID)+"?once="+name, "")
	}
	switch hand {
	case "manager":
		return c.Go(hrefOf(k.ID), "recovery_handed")
	case "person":
		return c.Go(hrefOf(k.ID), "recovery_handed_person")
	}
	code := issued.Text("temporaryAccessPass")
	if code == "" {
		return graphclient.ErrAnswer
	}
	name, err := c.Hold(held{code, cmp.Or(hand, "read"), pass{Purpose: o.Text("pass/postern_purpose")}.Kind()}, readable)
	if err != nil {
		return err
	}
	return c.Go("/console/people/"+url.PathEscape(k.Who.ID)+"/pass/"+url.PathEscape(issued.Text("id"))+"?case="+url.QueryEscape(k.ID)+"&once="+name, "")
}

// span says how long some minutes are: the key of its words, and a number in them.
func span(minutes int) string {
	switch {
	case minutes == 60:
		return "recovery_hour"
	case minutes%1440 == 0:
		return "recovery_days"
	case minutes%60 == 0:
		return "recovery_hours"
	}
	return "recovery_minutes"
}

// SpanKey is the key of the words for how long a pass may work, SpanN the number in them.
func (g grant) SpanKey() string { return span(g.Minutes) }

// SpanN is the number in the words of SpanKey.
func (g grant) SpanN() int { return amount(g.Minutes) }

func amount(minutes int) int {
	switch key := span(minutes); {
	case strings.HasSuffix(key, "days"):
		return minutes / 1440
	case strings.HasSuffix(key, "minutes"):
		return minutes
	}
	return minutes / 60
}
