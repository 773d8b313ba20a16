package drills

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

// errSent says that a form was sent before: of a double click one asks somebody.
var errSent = &fault.Error{
	Kind: fault.Conflict, Code: "consoleDrillSent",
	Text: "This form was sent already, or it was open for too long.", Remedy: "Look at the list of drills before you begin another one.",
}

// errTyped says that a field can't be read.
var errTyped = &fault.Error{
	Kind: fault.Invalid, Code: "consoleDrillNumber",
	Text: "People and days are whole numbers.", Remedy: "Correct the field that is marked.",
}

// How long a form may stay open, and the page with the practice pass take to be asked for.
const (
	formLifetime = 4 * time.Hour
	readable     = 2 * time.Minute
)

type startPage struct { // start.html
	console.Frame
	console.Finder
	Who               *graphclient.Object
	Sample            bool // it is for a sample
	Form              form
	Places            []string
	Wrong             string // property at fault
	Once              string // spends itself when the form is sent
	MayOne, MaySample bool
}

// File implements console.Page.
func (startPage) File() string { return "start.html" }

// A form is what was typed, as it was typed.
type form struct{ Where, Days, Size, Note string }

func readForm(c *console.Call) form {
	f := form{Where: c.Form("where"), Days: c.Form("answerInDays"), Size: c.Form("sampleSize"), Note: c.Form("note")}
	if !slices.Contains(places, f.Where) {
		f.Where = places[0]
	}
	return f
}

// ask serves GET /console/recovery/drills/new: for whom, and then how.
func ask(c *console.Call) error {
	f := readForm(c)
	if f.Days == "" {
		f.Days = "14"
	}
	if f.Size == "" {
		f.Size = "25"
	}
	return askAgain(c, http.StatusOK, f, nil)
}

// askAgain shows the form with what was typed, and what went wrong with it.
func askAgain(c *console.Call, status int, f form, wrong *console.Trouble) error {
	p := startPage{
		Frame: c.Frame("recovery"), Sample: c.Form("sample") != "", Form: f, Places: places, MayOne: c.May(starts), MaySample: c.May(writesPolicy),
	}
	if p.Fault = wrong; wrong != nil {
		p.Wrong = wrong.Target
	}
	var err error
	person := c.Form("person")
	switch {
	case p.Sample && !p.MaySample, person != "" && !p.MayOne:
		return console.ErrNotYours
	case p.Sample:
	case person != "":
		u, err := c.Graph.Select(c.Context(), "id,displayName,userPrincipalName", "users", person)
		if err != nil {
			return err
		}
		p.Who = &u
	case p.MayOne:
		if p.Finder, err = c.Find(root+"/new", "drills_for_whom", "displayName", "userPrincipalName", "mail", "employeeId"); err != nil {
			return err
		}
		if only := p.Only(c); only != "" {
			return c.Go(root+"/new?person="+only, "")
		}
	}
	if p.Sample || p.Who != nil {
		if p.Once, err = c.Hold("drill", formLifetime); err != nil {
			return err
		}
	}
	return c.Show(status, p)
}

// start serves POST /console/recovery/drills/new. The practice pass of one person is shown once.
func start(c *console.Call) error {
	f := readForm(c)
	body := graphclient.Object{"where": f.Where}
	if f.Note != "" {
		body["note"] = f.Note
	}
	fields := map[string]string{"answerInDays": f.Days}
	if c.Form("sample") != "" {
		fields["sampleSize"] = f.Size
	} else if body["userId"] = c.Form("person"); body["userId"] == "" {
		return c.Go(root+"/new", "")
	}
	for name, typed := range fields {
		n, err := strconv.Atoi(typed)
		if err != nil || n < 1 { // Graph takes 0 for the usual
			return askAgain(c, http.StatusBadRequest, f, console.Explain(errTyped.With(name, "")))
		}
		body[name] = n
	}
	var sent string
	if err := c.Take(c.Form("form"), &sent); err != nil {
		if !errors.Is(err, console.ErrTaken) {
			return err
		}
		return askAgain(c, http.StatusConflict, f, console.Explain(errSent))
	}
	o, err := c.Graph.StartDrill(c.Context(), body)
	if err != nil {
		wrong := console.Explain(err)
		if wrong == nil || wrong.Status == http.StatusNotFound {
			return err
		}
		return askAgain(c, max(wrong.Status, http.StatusBadRequest), f, wrong)
	}
	code := o.Text("practicePass")
	if code == "" {
		return gone(c, o)
	}
	name, err := c.Hold(held{code}, readable)
	if err != nil {
		return err
	}
	return c.Go(hrefOf(o.Text("id"))+"?once="+name, "")
}

// gone leads to the sample that was asked, or to the list for who may not read it.
func gone(c *console.Call, o graphclient.Object) error {
	if !c.May(reads) {
		return c.Go(root, "drills_begun")
	}
	return c.Go(hrefOf(o.Text("id")), "drills_begun")
}
