package devices

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// errPrepared says that somebody else prepared the device, or its user took it, meanwhile.
var errPrepared = &fault.Error{
	Kind: fault.Conflict, Code: "consolePrepared",
	Text: "The device was prepared, handed over or freed while this page was open.", Remedy: "Look at how it stands now. Nothing of yours was done.",
}

// A preparation is whom a device waits for, or came to (docs/passes.md, "A device that is prepared for somebody").
type preparation struct {
	State                      string // waiting or handedOver; empty for none
	User, Name, Group, By      string
	Prepared, HandedOver       time.Time
	MayPrepare, MayEnd, MayTap bool
	// Others says that it takes a right that the reader lacks, as somebody else joined the device.
	Others bool
}

// Seen names what the page shows, so that nobody is overtaken.
func (p preparation) Seen() string { return p.State + p.User + p.Group }

func preparationOf(c *console.Call, d device) preparation {
	o, _ := d.Object["postern_preparation"].(map[string]any)
	told := graphclient.Object(o)
	p := preparation{
		State: told.Text("state"), User: told.Text("userId"), Group: told.Text("groupId"),
		Prepared: told.Time("preparedDateTime"), HandedOver: told.Time("handedOverDateTime"),
	}
	if p.State == "handedOver" {
		p.User = told.Text("handedOverTo")
	}
	may := c.May("prepareDevice") && d.State() == "on" && d.Text("trustType") != "Workplace"
	if owners := d.Owners; may && p.State == "" && !c.May("switchDevice") {
		p.Others = len(owners) != 1 || owners[0].Text("id") != c.Person.ID
	}
	p.MayPrepare, p.MayEnd, p.MayTap = may && !p.Others, c.May("prepareDevice") && p.State != "", c.May("issuePass") && p.State == "waiting" && p.User != ""
	by := told.Text("preparedBy")
	names := map[string]string{}
	if p.State != "" {
		names = c.Called([]string{p.User, by})
	}
	p.Name, p.By = names[p.User], names[by]
	if p.Group != "" && p.State == "waiting" {
		if g, err := c.Graph.Select(c.Context(), "id,displayName", "groups", p.Group); err == nil { // a help, not a need
			p.Name = g.Text("displayName")
		}
	}
	return p
}

type preparePage struct { // prepare.html
	console.Frame
	Device device
	Now    preparation
	console.Finder
	Who   *graphclient.Object
	Group *graphclient.Object // instead: whoever of it signs in first
}

// File implements console.Page.
func (preparePage) File() string { return "prepare.html" }

// askPrepare serves GET /console/devices/{id}/prepare: for whom, and then what happens.
func askPrepare(c *console.Call) error { return prepareAgain(c, nil) }

func prepareAgain(c *console.Call, wrong error) error {
	o, err := c.Graph.OwnDevice(c.Context(), c.R.PathValue("id"))
	if err != nil {
		return err
	}
	p := preparePage{Frame: c.Frame("devices"), Device: deviceOf(o)}
	p.Now = preparationOf(c, p.Device)
	status := http.StatusOK
	if wrong != nil {
		if p.Fault = console.Explain(wrong); p.Fault == nil || p.Fault.Status == http.StatusNotFound {
			return wrong
		}
		if status = max(p.Fault.Status, http.StatusBadRequest); errors.Is(wrong, errPrepared) {
			status = http.StatusConflict
		}
	}
	if person := c.Form("person"); person != "" {
		u, err := c.Graph.Select(c.Context(), "id,displayName,userPrincipalName", "users", person)
		if err != nil {
			return err
		}
		p.Who = &u
	} else if group := c.Form("group"); group != "" {
		g, err := c.Graph.Select(c.Context(), "id,displayName", "groups", group)
		if err != nil {
			return err
		}
		p.Group = &g
	} else if p.Finder, err = c.Find(root+"/"+p.Device.Text("id")+"/prepare", "prepare_whom", "displayName", "userPrincipalName", "mail", "employeeId"); err != nil {
		return err
	} else if err := c.FindGroups(&p.Finder); err != nil {
		return err
	}
	return c.Show(status, p)
}

// prepare serves POST /console/devices/{id}/prepare, and ends a preparation where the form says so.
func prepare(c *console.Call) error {
	id := c.R.PathValue("id")
	o, err := c.Graph.OwnDevice(c.Context(), id)
	if err != nil {
		return err
	}
	done, whom := "device_prepared", graphclient.Object{"userId": c.Form("person")}
	if group := c.Form("group"); group != "" {
		whom = graphclient.Object{"groupId": group}
	}
	switch now := preparationOf(c, deviceOf(o)); {
	case c.Form("seen") != now.Seen():
		err = errPrepared
	case c.Form("end") != "":
		done, err = "device_free", c.Graph.EndPreparation(c.Context(), id)
	default:
		_, err = c.Graph.PrepareDevice(c.Context(), id, whom)
	}
	if err != nil {
		return prepareAgain(c, err)
	}
	return c.Go(root+"/"+url.PathEscape(id), done)
}

// followPreparation serves GET /console/devices/{id}/prepare/events: it says when the device was handed over.
func followPreparation(c *console.Call) error {
	return c.Live(func(ctx context.Context) (string, bool, error) {
		o, err := c.Graph.Get(ctx, "postern", "devices", c.R.PathValue("id"), "preparation")
		if refused, ok := errors.AsType[*graphclient.Error](err); ok && refused.Code != "" && refused.Status == http.StatusNotFound {
			return "none", true, nil
		}
		return o.Text("state"), o.Text("state") != "waiting", err
	})
}
