package passes

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type showPage struct { // show.html
	console.Frame
	Who     person
	Self    string
	Text    string // the pass; empty but the first time
	Groups  [][]letter
	Way     string // read or slip, where policy has a say; else both
	For     string // the kind of its purpose, where that is known
	Gone    bool   // it was to be shown here, and was shown before
	Course  course
	MayTake bool
	Seen    string // names what Course tells
	Case    string // of recovery, that the pass was issued for
	Now     time.Time
	// SignInAt is where people sign in; empty where the directory is elsewhere.
	SignInAt string
}

// File implements console.Page.
func (showPage) File() string { return "show.html" }

// A letter is one character of a pass and the word to say for it.
type letter struct {
	Char    string
	Say     string // key of its word
	Capital bool   // to be said, as small ones occur too
}

// groups parts a pass into fours.
func groups(pass string) [][]letter {
	mixed := strings.ContainsFunc(pass, unicode.IsLower)
	var all [][]letter
	for i, r := range []rune(pass) {
		if i%4 == 0 {
			all = append(all, nil)
		}
		say := string(unicode.ToLower(r))
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			say = fmt.Sprintf("u%04x", r)
		}
		last := len(all) - 1
		all[last] = append(all[last], letter{Char: string(r), Say: say, Capital: mixed && unicode.IsUpper(r)})
	}
	return all
}

// show serves GET /console/people/{id}/pass/{pass}. With the name of what is held for it, the
// pass is in the page, this once.
func show(c *console.Call) error {
	who, err := whom(c)
	if err != nil {
		return err
	}
	p := showPage{Frame: c.Frame("people"), Who: who, Self: formHref(who.ID) + "/" + c.R.PathValue("pass"), MayTake: c.May("deletePass"), Now: c.Now().Add(slack)}
	if !c.Foreign() {
		p.SignInAt = c.Address()
	}
	p.Scripts = []string{"pass.js"}
	if from := c.Form("case"); uuid.Validate(from) == nil {
		p.Case = from
	}
	name := c.Form("once")
	if p.Course, p.Seen, err = courseOf(c, who.ID); err != nil && name == "" {
		return err // the pass that is held here must be shown whatever else fails
	}
	if name != "" {
		var h held
		switch err := c.Take(name, &h); {
		case errors.Is(err, console.ErrTaken):
			p.Gone = true
		case err != nil:
			return err
		}
		p.Text, p.Groups, p.Way, p.For = h.Pass, groups(h.Pass), h.Way, h.For
	}
	return c.Show(http.StatusOK, p)
}

// A course is what became of a pass.
type course struct {
	Issued, Tried, Held, Used, Ended time.Time
	Tries                            int
	On                               *place // of the first use
	End                              string
	Start, Until                     time.Time // zero when the pass is gone
	Once                             bool
	State, Stopped                   string
	Methods                          []method
	Devices                          []string
}

// A place is where somebody signed in.
type place struct{ Device, Browser, System, Address string }

// A method is a way to sign in that was set up with a pass.
type method struct {
	Kind, Name string
	At         time.Time
}

// courseOf reads what became of the pass that the address names, and a name for just that.
func courseOf(c *console.Call, user string) (course, string, error) {
	pass := c.R.PathValue("pass")
	if c.Foreign() {
		o, err := c.Graph.Pass(c.Context(), user, pass, false)
		if err != nil {
			return course{}, "", err
		}
		k := course{Issued: o.Time("createdDateTime")}
		k.pass(o)
		return k, "", nil
	}
	o, err := c.Graph.Lineage(c.Context(), user, pass)
	if err != nil {
		return course{}, "", err
	}
	text, err := json.Marshal(o)
	if err != nil {
		return course{}, "", err
	}
	sum := sha256.Sum256(text)
	return readCourse(o), hex.EncodeToString(sum[:8]), nil
}

func readCourse(o graphclient.Object) course {
	told := part(o, "course")
	k := course{
		Issued: told.Time("issuedDateTime"), Tried: told.Time("lastFailedTryDateTime"), Held: told.Time("heldUntilDateTime"),
		Used: told.Time("usedDateTime"), Ended: told.Time("endedDateTime"), End: told.Text("endReason"),
	}
	if n, ok := told["failedTries"].(float64); ok {
		k.Tries = int(n)
	}
	if on := part(told, "usedOn"); on != nil {
		k.On = &place{on.Text("deviceDisplayName"), on.Text("browser"), on.Text("operatingSystem"), on.Text("ipAddress")}
	}
	if pass := part(told, "pass"); pass != nil {
		k.pass(pass)
	}
	for _, m := range o.Objects("methods") {
		name := m.Text("deviceDisplayName")
		if name == "" {
			name = m.Text("displayName")
		}
		k.Methods = append(k.Methods, method{m.Text("kind"), name, m.Time("createdDateTime")})
	}
	for _, d := range o.Objects("devices") {
		k.Devices = append(k.Devices, d.Text("displayName"))
	}
	return k
}

// pass adds what the pass itself tells.
func (k *course) pass(o graphclient.Object) {
	k.Start, k.State, k.Stopped = o.Time("startDateTime"), o.Text("methodUsabilityReason"), o.Text("postern_stoppedBecause")
	k.Once = o["isUsableOnce"] == true
	minutes, _ := o["lifetimeInMinutes"].(float64)
	k.Until = k.Start.Add(time.Duration(minutes) * time.Minute)
}

// Over reports whether nothing more can come of the pass itself.
func (k course) Over() bool { return k.End == "removed" || k.End == "replaced" || k.End == "expired" }

// NotYet reports whether the pass works only later than at.
func (k course) NotYet(at time.Time) bool { return k.Start.After(at) }

// Waits reports whether the pass can still be used for the first time.
func (k course) Waits() bool { return k.Used.IsZero() && k.End == "" }

func part(o graphclient.Object, name string) graphclient.Object {
	m, _ := o[name].(map[string]any)
	return m
}

// takeBack serves POST /console/people/{id}/pass/{pass}/back.
func takeBack(c *console.Call) error {
	user, pass := c.R.PathValue("id"), c.R.PathValue("pass")
	if err := c.Graph.DeletePass(c.Context(), user, pass); err != nil {
		return err
	}
	if c.Foreign() {
		return c.Go(formHref(user), "passBack")
	}
	return c.Go(formHref(user)+"/"+pass, "passBack")
}
