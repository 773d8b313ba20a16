package passes

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// errSent says that a form was sent before: of a double click one issues a pass.
var errSent = &fault.Error{
	Kind: fault.Conflict, Code: "consoleFormSent",
	Text: "This form was sent already, or it was open for too long.", Remedy: "Look at the pass that is there before you issue another one.",
}

// errTyped says that a field can't be read.
var errTyped = &fault.Error{
	Kind: fault.Invalid, Code: "consoleFieldWrong",
	Text: "A field can't be read.", Remedy: "Minutes are a whole number, the start is a date and a time.",
}

// errDevice says that a purpose lacks its device.
var errDevice = &fault.Error{
	Kind: fault.Invalid, Code: "consolePassDevice",
	Text: "This purpose is for one device.", Remedy: "Choose one of the person’s devices.",
}

type askPage struct { // ask.html
	console.Frame
	Who  person
	Form form
	// Preview is what would happen; nil where Graph is not Postern's.
	Preview *graphclient.PassPreview
	// Blocked says that nothing in the form helps: policy, role or person stand in the way.
	Blocked bool
	Presets []preset
	Later   bool // it will not work at once
	Checks  []string
	Once    string               // spends itself when the form is sent
	Devices []graphclient.Object // of the person, for a purpose
	MayOpen bool                 // a case of recovery
	// NeedsDevice says that the purpose is for a device that was not chosen yet.
	NeedsDevice bool
}

// ByCase reports whether this person gets a pass by a case of recovery only.
func (p askPage) ByCase() bool {
	return p.Preview != nil && (p.Preview.Code == "caseRequired" || p.Preview.Code == "caseHand")
}

// A preset is what one of the first choices comes to here.
type preset struct {
	ID          string
	Once, Later bool
	From, Until time.Time
	SpanKey     string // of the words for how long it works
	SpanN       int
}

// span says how long some minutes are: the key of its words, and a number in them.
func span(minutes int) (string, int) {
	switch {
	case minutes == 60:
		return "passes_hour", 1
	case minutes%60 == 0:
		return "passes_hours", minutes / 60
	}
	return "passes_minutes_long", minutes
}

// mostDevices is how many devices of a person the form offers.
const mostDevices = 50

// slack is how far ahead a start is still now: the page took its time.
const slack = time.Minute

// File implements console.Page.
func (askPage) File() string { return "ask.html" }

// A form is what was typed, as it was typed.
type form struct {
	Preset, Minutes, Uses, Start, Check, Note, Reason, Ticket string
	Purpose, Device                                           string
}

// Purposes are what a pass may be for; the first is everything.
func (askPage) Purposes() []string { return []string{"", "registerMethods", "signIn", "resetPin"} }

// DeviceName is what the chosen device is called.
func (p askPage) DeviceName() string {
	for _, d := range p.Devices {
		if d.Text("deviceId") == p.Form.Device {
			return d.Text("displayName")
		}
	}
	return ""
}

// OnDevice reports whether the purpose takes a device.
func (f form) OnDevice() bool { return f.Purpose == "signIn" || f.Purpose == "resetPin" }

func readForm(c *console.Call) form {
	f := form{
		Preset: c.Form("preset"), Minutes: c.Form("minutes"), Uses: c.Form("uses"), Start: c.Form("start"),
		Check: c.Form("check"), Note: c.Form("note"), Reason: c.Form("reason"), Ticket: c.Form("ticket"),
		Purpose: c.Form("purpose"), Device: c.Form("device"),
	}
	if f.Preset == "" {
		f.Preset = "recoverDevice"
	}
	return f
}

// Other reports whether anything departs from the preset.
func (f form) Other() bool { return f.Minutes+f.Uses+f.Start != "" }

// request is what Graph is asked for. Times are the tenant's.
func (f form) request(zone *time.Location, foreign bool) (graphclient.PassRequest, error) {
	in := graphclient.PassRequest{Preset: f.Preset, Reason: f.Reason, Ticket: f.Ticket, Purpose: f.Purpose}
	if f.OnDevice() {
		in.DeviceID = f.Device
	}
	if f.Check != "" || f.Note != "" {
		in.Check = &graphclient.IdentityCheck{How: f.Check, Note: f.Note}
	}
	if foreign {
		in = graphclient.PassRequest{}
	} else if f.OnDevice() && f.Device == "" {
		return in, errDevice
	}
	if f.Minutes != "" {
		n, err := strconv.Atoi(f.Minutes)
		if err != nil || n <= 0 {
			return in, errTyped
		}
		in.LifetimeInMinutes = n
	}
	if f.Uses != "" {
		once := f.Uses == "once"
		in.IsUsableOnce = &once
	}
	if f.Start != "" {
		if zone == nil {
			zone = time.UTC
		}
		at, err := time.ParseInLocation("2006-01-02T15:04", f.Start, zone)
		if err != nil {
			return in, errTyped
		}
		at = at.UTC()
		in.StartDateTime = &at
	}
	return in, nil
}

// checks are the ways to know who asks, the most frequent first.
var checks = []string{"callBack", "inPerson", "manager", "video", "other"}

// mended are the refusals that the form itself can mend.
var mended = []string{"tapLifetime", "tapStart", "tapOnceOnly", "tapNote", "tapPreset", "tapIdentityCheck", "tapIdentityCheckMissing"}

// ask serves GET /console/people/{id}/pass.
func ask(c *console.Call) error {
	return askAgain(c, http.StatusOK, readForm(c), nil)
}

// askAgain shows the form with what was typed, and what went wrong with it.
func askAgain(c *console.Call, status int, f form, wrong *console.Trouble) error {
	who, err := whom(c)
	if err != nil {
		return err
	}
	p := askPage{Frame: c.Frame("people"), Who: who, Form: f, Checks: checks}
	p.Fault, p.MayOpen = wrong, c.May("handleCase") && who.ID != c.Person.ID && !c.Foreign()
	if err := p.preview(c); err != nil {
		return err
	}
	if c.R.Header.Get("HX-Request") == "" && !p.Blocked {
		if p.Once, err = c.Hold("issue", formLifetime); err != nil {
			return err
		}
	}
	return c.Show(status, p)
}

// formLifetime is how long the form may stay open.
const formLifetime = 4 * time.Hour

// preview asks Graph what would happen.
func (p *askPage) preview(c *console.Call) error {
	if c.Foreign() {
		p.Blocked, p.Checks = !c.May("issuePass"), nil
		return nil
	}
	in, err := p.Form.request(p.Zone, false)
	if errors.Is(err, errDevice) {
		in.Purpose = "" // not chosen yet
		p.NeedsDevice = true
	} else if err != nil && p.Fault == nil {
		p.Fault = console.Explain(err)
	}
	if c.May("readDevices") {
		found, err := c.Graph.Page(c.Context(), graphclient.Query{Select: "id,displayName,deviceId,operatingSystem", Top: mostDevices}, "users", p.Who.ID, "ownedDevices")
		if err != nil {
			return err
		}
		p.Devices = found.Items
		p.addDevice(c)
	}
	v, err := c.Graph.PreviewPass(c.Context(), p.Who.ID, in)
	if err != nil {
		return err
	}
	p.MayOpen = p.MayOpen && v.OpenCase.Code == ""
	p.Preview, p.Blocked = &v, !v.Allowed && !slices.Contains(mended, v.Code)
	now := c.Now().Add(slack)
	p.Later = v.StartDateTime.After(now)
	for _, one := range v.Presets {
		shown := preset{ID: one.ID, Once: one.IsUsableOnce, From: one.StartDateTime, Until: one.EndDateTime, Later: one.StartDateTime.After(now)}
		shown.SpanKey, shown.SpanN = span(one.LifetimeInMinutes)
		p.Presets = append(p.Presets, shown)
	}
	if v.IdentityCheck == "off" {
		p.Checks = nil
	}
	return nil
}

// addDevice offers the device that is chosen although it is not the person's yet: one that is prepared for them.
func (p *askPage) addDevice(c *console.Call) {
	if p.Form.Device == "" || p.DeviceName() != "" {
		return
	}
	found, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: "deviceId eq " + graphclient.Quote(p.Form.Device), Select: "id,displayName,deviceId,operatingSystem", Top: 1}, "devices")
	if err == nil { // what is typed is told to be wrong by the preview
		p.Devices = append(p.Devices, found.Items...)
	}
}

// Wrong reports whether what is typed can't be issued, and the form can mend it.
func (p askPage) Wrong() bool {
	return p.Preview != nil && !p.Preview.Allowed && !p.Blocked && p.Preview.Code != "tapIdentityCheckMissing"
}

// held is what one page shows once.
type held struct {
	Pass string `json:"pass"`
	Way  string `json:"way"` // of the pass of a case: read or slip
	For  string `json:"for"` // the kind of its purpose
}

// readable is how long the one page that shows a pass may take to be asked for.
const readable = 2 * time.Minute

// issue serves POST /console/people/{id}/pass.
func issue(c *console.Call) error {
	f := readForm(c)
	in, err := f.request(c.Person.Zone, c.Foreign())
	if err != nil {
		return askAgain(c, http.StatusBadRequest, f, console.Explain(err))
	}
	var sent string
	if err := c.Take(c.Form("form"), &sent); err != nil {
		if !errors.Is(err, console.ErrTaken) {
			return err
		}
		return askAgain(c, http.StatusConflict, f, console.Explain(errSent))
	}
	user := c.R.PathValue("id")
	pass, err := c.Graph.CreatePass(c.Context(), user, in)
	if err == nil && pass.TemporaryAccessPass == nil {
		err = graphclient.ErrAnswer
	}
	if err != nil {
		wrong := console.Explain(err)
		if wrong == nil || wrong.Status == http.StatusNotFound {
			return err
		}
		return askAgain(c, max(wrong.Status, http.StatusBadRequest), f, wrong)
	}
	name, err := c.Hold(held{Pass: *pass.TemporaryAccessPass}, readable)
	if err != nil {
		return err
	}
	return c.Go(formHref(user)+"/"+pass.ID+"?once="+name, "")
}
