package recovery

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// errSent says that a form was sent before: of a double click one does something.
var errSent = &fault.Error{
	Kind: fault.Conflict, Code: "consoleCaseSent",
	Text: "This form was sent already, or it was open for too long.", Remedy: "Look at the case that is there before you go on.",
}

// What somebody may be told by, and what may have failed, the most frequent first.
var (
	channels = []string{"phone", "inPerson", "chat", "mail"}
	failures = []string{"phoneLost", "authenticatorRemoved", "pinBroken", "keyForgotten", "newDevice", "tpmCleared", "deviceAndPhoneLost", "everythingLost", "federationDown", "offline"}
)

// formLifetime is how long a form may stay open.
const formLifetime = 4 * time.Hour

type openPage struct { // open.html
	console.Frame
	console.Finder
	Who     who
	Form    opening
	Devices []graphclient.Object
	// Waiting are cases of the person that are there already.
	Waiting            []kase
	Channels, Failures []string
	Once               string // spends itself when the form is sent
	// Barred says why the reader can't open one for this person, and who can; nil where they can.
	Barred *graphclient.Leave
}

// An opening is what was typed, as it was typed.
type opening struct {
	Channel, Device, Note, Ticket string
	Lost                          []string
}

// File implements console.Page.
func (openPage) File() string { return "open.html" }

// Has reports whether a failure is ticked.
func (o opening) Has(failure string) bool { return slices.Contains(o.Lost, failure) }

// ask serves GET /console/recovery/new: for whom, and then what happened.
func ask(c *console.Call) error {
	if c.Form("person") == "" {
		return askWhom(c)
	}
	return askAgain(c, http.StatusOK, opening{Channel: "phone", Ticket: c.Form("ticket"), Device: c.Form("device")}, nil)
}

func askWhom(c *console.Call) error {
	found, err := c.Find(opens, "recovery_for_whom", "displayName", "userPrincipalName", "mail", "employeeId")
	if err != nil {
		return err
	}
	if only := found.Only(c); only != "" {
		return c.Go(opens+"?person="+only, "")
	}
	return c.Show(http.StatusOK, openPage{Frame: c.Frame("recovery"), Finder: found})
}

// askAgain shows the form with what was typed, and what went wrong with it.
func askAgain(c *console.Call, status int, f opening, wrong *console.Trouble) error {
	u, err := c.Graph.Select(c.Context(), "id,displayName,userPrincipalName", "users", c.Form("person"))
	if err != nil {
		return err
	}
	p := openPage{
		Frame: c.Frame("recovery"), Who: who{u.Text("id"), u.Text("displayName"), u.Text("userPrincipalName")}, Form: f, Channels: channels, Failures: failures,
	}
	p.Fault = wrong
	if v, err := c.Graph.PreviewPass(c.Context(), p.Who.ID, graphclient.PassRequest{}); err == nil && v.OpenCase.Code != "" { // a help: who sends it is refused in any case
		p.Barred = &v.OpenCase
	}
	if c.May("readDevices") && p.Barred == nil {
		if p.Devices, err = devicesOf(c, p.Who.ID); err != nil {
			return err
		}
	}
	if p.Waiting, err = waitingOf(c, p.Who.ID); err != nil {
		return err
	}
	if p.Once, err = c.Hold("open", formLifetime); err != nil {
		return err
	}
	return c.Show(status, p)
}

// mostDevices is how many devices of somebody can be chosen.
const mostDevices = 20

// devicesOf are the devices that somebody owns.
func devicesOf(c *console.Call, user string) ([]graphclient.Object, error) {
	found, err := c.Graph.Page(c.Context(), graphclient.Query{Select: "id,displayName,deviceId,operatingSystem", Top: mostDevices}, "users", user, "ownedDevices")
	return slices.DeleteFunc(found.Items, func(d graphclient.Object) bool { return d.Text("displayName") == "" }), err // none that can't be read
}

// waitingOf are the latest cases of somebody that still wait.
func waitingOf(c *console.Call, user string) ([]kase, error) {
	found, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: "userId eq " + graphclient.Quote(user), Top: mostOfState}, at()...)
	if err != nil {
		return nil, err
	}
	all := groupOf("", found).Cases
	return slices.DeleteFunc(all, func(k kase) bool { return !k.Lives() }), nil
}

// open serves POST /console/recovery/new.
func open(c *console.Call) error {
	if err := c.R.ParseForm(); err != nil {
		return err
	}
	f := opening{Channel: c.Form("channel"), Device: c.Form("device"), Note: c.Form("note"), Ticket: c.Form("ticket"), Lost: c.R.Form["lost"]}
	var sent string
	if err := c.Take(c.Form("form"), &sent); err != nil {
		if !errors.Is(err, console.ErrTaken) {
			return err
		}
		return askAgain(c, http.StatusConflict, f, console.Explain(errSent))
	}
	body := graphclient.Object{"userId": c.Form("person"), "channel": f.Channel, "lost": append([]string{}, f.Lost...)}
	for name, value := range map[string]string{"deviceId": f.Device, "note": f.Note, "ticket": f.Ticket} {
		if value != "" {
			body[name] = value
		}
	}
	o, err := c.Graph.Do(c.Context(), http.MethodPost, body, at()...)
	if err != nil {
		wrong := console.Explain(err)
		if wrong == nil || wrong.Status == http.StatusNotFound {
			return err
		}
		return askAgain(c, max(wrong.Status, http.StatusBadRequest), f, wrong)
	}
	return c.Go(hrefOf(o.Text("id")), "recovery_opened")
}
