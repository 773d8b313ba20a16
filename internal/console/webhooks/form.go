package webhooks

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

// errSent says that a form was sent before: of a double click one subscribes.
var errSent = &fault.Error{
	Kind: fault.Conflict, Code: "consoleWebhookSent",
	Text: "This form was sent already, or it was open for too long.", Remedy: "Look at the list of webhooks before you make another one.",
}

// errName says that a name that was to be typed is another one.
var errName = &fault.Error{
	Kind: fault.Invalid, Code: "consoleNameTyped", Target: "name",
	Text: "That is not the name of what would be deleted.", Remedy: "Type it as it is shown.",
}

// How long a form may stay open, and a new secret waits for the page that shows it.
const (
	formLifetime = 4 * time.Hour
	shownFor     = 10 * time.Minute
)

// proofAsked makes its receiver say who somebody is.
const proofAsked = "proof.asked"

// events are all that a webhook can be told of, by what they are about.
var events = [][]string{
	{
		"case.opened", "case.proven", "case.approved", "case.issued", "case.used", "case.registered", "case.closed", "case.cancelled", "case.refused", "case.expired",
		"case.disputed", "case.released", "case.reverted",
	},
	{"pass.issued", "pass.used", "pass.refused", "pass.removed"},
	{"change.disputed", "readiness.lost", "workflow.taskFailed"},
	{proofAsked},
}

type formPage struct { // form.html
	console.Frame
	Hook     hook // as typed
	New      bool
	Groups   [][]string
	Wrong    string // property at fault
	Why      string // in Graph's words
	Theirs   *hook  // somebody was quicker: what is there now
	Once     string // spends itself when the form is sent
	MayProof bool   // be told of proof.asked
}

// File implements console.Page.
func (formPage) File() string { return "form.html" }

// Tells reports whether the webhook is told of an event.
func (p formPage) Tells(event string) bool { return slices.Contains(p.Hook.Events, event) }

// Locked reports whether an event can't be chosen: who asks for proof does so from the beginning, and may say who somebody is.
func (p formPage) Locked(event string) bool {
	return event == proofAsked && (!p.MayProof || !p.New && !p.Tells(event))
}

// askNew serves GET /console/administration/webhooks/new.
func askNew(c *console.Call) error {
	return showForm(c, http.StatusOK, formPage{New: true}, nil)
}

func showForm(c *console.Call, status int, p formPage, wrong *console.Trouble) error {
	p.Frame, p.Groups, p.MayProof = c.Frame("administration"), events, c.May(writesPolicy)
	if p.Fault = wrong; wrong != nil {
		p.Wrong, p.Why = wrong.Target, wrong.Message
		if p.Wrong == "displayName" || p.Wrong == "url" || p.Wrong == "events" { // which says the rest
			wrong.Message = c.Text("webhooks_field_wrong")
		}
	}
	var err error
	if p.New {
		if p.Once, err = c.Hold("webhook", formLifetime); err != nil {
			return err
		}
	}
	return c.Show(status, p)
}

// typed reads the form.
func typed(c *console.Call) (hook, error) {
	if err := c.R.ParseForm(); err != nil {
		return hook{}, err
	}
	return hook{ID: c.R.PathValue("id"), Name: c.Form("displayName"), URL: c.Form("url"), Events: c.R.PostForm["event"], Tag: c.Form("etag")}, nil
}

func (h hook) body() graphclient.Object {
	return graphclient.Object{"displayName": h.Name, "url": h.URL, "events": append([]string{}, h.Events...)}
}

// create serves POST /console/administration/webhooks/new; the secret is on the page after it, once.
func create(c *console.Call) error {
	h, err := typed(c)
	if err != nil {
		return err
	}
	var sent string
	if err := c.Take(c.Form("form"), &sent); err != nil {
		if !errors.Is(err, console.ErrTaken) {
			return err
		}
		return showForm(c, http.StatusConflict, formPage{New: true, Hook: h}, console.Explain(errSent))
	}
	o, err := c.Graph.CreateWebhook(c.Context(), h.body())
	if err != nil {
		wrong := console.Explain(err)
		if wrong == nil {
			return err
		}
		return showForm(c, max(wrong.Status, http.StatusBadRequest), formPage{New: true, Hook: h}, wrong)
	}
	return reveal(c, o)
}

// reveal leads to the page that shows the secret of an answer once.
func reveal(c *console.Call, o graphclient.Object) error {
	if o.Text("secret") == "" {
		return graphclient.ErrAnswer
	}
	name, err := c.Hold(held{o.Text("secret")}, shownFor)
	if err != nil {
		return err
	}
	return c.Go(hrefOf(o.Text("id"))+"/secret?held="+name, "")
}

// askEdit serves GET …/edit.
func askEdit(c *console.Call) error {
	h, err := read(c)
	if err != nil {
		return err
	}
	return showForm(c, http.StatusOK, formPage{Hook: h}, nil)
}

// edit serves POST …/edit. Who was overtaken sees what is there now beside what they typed; pressing again saves theirs.
func edit(c *console.Call) error {
	h, err := typed(c)
	if err != nil {
		return err
	}
	err = c.Graph.Matching(h.Tag).PatchWebhook(c.Context(), h.ID, h.body())
	if err == nil {
		return c.Go(hrefOf(h.ID), "webhooks_saved")
	}
	wrong := console.Explain(err)
	if wrong == nil || wrong.Status == http.StatusNotFound {
		return err
	}
	p := formPage{Hook: h}
	if wrong.Status == http.StatusPreconditionFailed {
		now, err := read(c)
		if err != nil {
			return err
		}
		p.Theirs, p.Hook.Tag, wrong = &now, now.Tag, nil
		return showForm(c, http.StatusPreconditionFailed, p, wrong)
	}
	return showForm(c, max(wrong.Status, http.StatusBadRequest), p, wrong)
}

// held is what one page shows once.
type held struct {
	Secret string `json:"secret"`
}

// overlaps are how long, in hours, the old secret signs beside a new one; the first is the usual one.
var overlaps = []int{24, 168, 0}

type secretPage struct { // secret.html
	console.Frame
	Hook     hook
	Secret   string // empty on the page that asks
	Overlaps []int
	Overlap  int
}

// File implements console.Page.
func (secretPage) File() string { return "secret.html" }

// secret serves GET …/secret: it shows a new secret once, or asks whether there is to be one.
func secret(c *console.Call) error {
	h, err := read(c)
	if err != nil {
		return err
	}
	p := secretPage{Frame: c.Frame("administration"), Hook: h, Overlaps: overlaps, Overlap: overlaps[0]}
	if name := c.Form("held"); name != "" {
		var once held
		if err := c.Take(name, &once); err != nil {
			return err
		}
		p.Secret = once.Secret
	}
	return c.Show(http.StatusOK, p)
}

// rotate serves POST …/secret.
func rotate(c *console.Call) error {
	hours, err := strconv.Atoi(c.Form("overlap"))
	if err != nil {
		hours = overlaps[0]
	}
	id := c.R.PathValue("id")
	o, err := c.Graph.Matching(c.Form("etag")).RotateWebhook(c.Context(), id, hours)
	if err != nil {
		p := secretPage{Frame: c.Frame("administration"), Overlaps: overlaps, Overlap: hours}
		if p.Fault = console.Explain(err); p.Fault == nil || p.Fault.Status == http.StatusNotFound {
			return err
		}
		if p.Hook, err = read(c); err != nil {
			return err
		}
		return c.Show(max(p.Fault.Status, http.StatusBadRequest), p)
	}
	return reveal(c, o)
}

type deletePage struct { // delete.html
	console.Frame
	Hook  hook
	Typed string
}

// File implements console.Page.
func (deletePage) File() string { return "delete.html" }

// askDelete serves GET …/delete.
func askDelete(c *console.Call) error { return deleteAgain(c, nil) }

func deleteAgain(c *console.Call, wrong error) error {
	h, err := read(c)
	if err != nil {
		return err
	}
	p := deletePage{Frame: c.Frame("administration"), Hook: h, Typed: c.Form("name")}
	if wrong == nil {
		return c.Show(http.StatusOK, p)
	}
	if p.Fault = console.Explain(wrong); p.Fault == nil {
		return wrong
	}
	return c.Show(max(p.Fault.Status, http.StatusBadRequest), p)
}

// remove serves POST …/delete.
func remove(c *console.Call) error {
	h, err := read(c)
	if err != nil {
		return err
	}
	if !console.SameName(c.Form("name"), h.Name) {
		return deleteAgain(c, errName)
	}
	if err := c.Graph.Matching(c.Form("etag")).DeleteWebhook(c.Context(), h.ID); err != nil {
		return deleteAgain(c, err)
	}
	return c.Go(root, "webhooks_deleted")
}
