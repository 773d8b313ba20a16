package people

import (
	"net/http"
	"slices"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A thing is something that may be gone: a method, or a device with what is on it.
type thing struct {
	Key        string // method:ID or device:ID
	Kind, Name string
	Chosen     bool
	Off        bool // a device that is off already
	Done       bool // it was taken away
	Problem    *console.Trouble
}

type lostPage struct { // lost.html
	console.Frame
	ID, Name     string
	Things       []thing
	SignOut      bool
	MaySignOut   bool
	MayIssue     bool
	Cases        []wayCase // how the person would stand then
	SignedOut    bool
	Unfinished   bool   // some of it was done and some was not
	NothingTaken bool   // nothing was chosen
	Typed        string // the person's name, where a device PIN is to go
	Mistyped     bool
}

// File implements console.Page.
func (lostPage) File() string { return "lost.html" }

// removable are the kinds of method that can be gone, with the action that removes each.
var removable = map[string]string{
	"microsoftAuthenticator": "deletePhone", "fido2": "deletePasskey", "softwareOath": "deleteCodes",
	"windowsHelloForBusiness": "deleteHello", "temporaryAccessPass": "deletePass",
}

// Destroys reports whether there is a key among them that nobody can bring back.
func (p lostPage) Destroys() bool {
	return slices.ContainsFunc(p.Things, func(one thing) bool { return one.Kind == pinKind && !one.Done })
}

// lost collects what may be gone.
func lost(c *console.Call) (lostPage, map[string]graphclient.Object, error) {
	user, err := person(c, "id,displayName,userPrincipalName")
	p := lostPage{
		Frame: c.Frame("people"), ID: user.Text("id"), Name: nameOf(user), SignOut: true, MaySignOut: c.May("revokeSessions"), MayIssue: c.May("issuePass"),
	}
	if err != nil {
		return p, nil, err
	}
	objects := map[string]graphclient.Object{}
	add := func(key, kind, name string, o graphclient.Object) {
		objects[key] = o
		p.Things = append(p.Things, thing{Key: key, Kind: kind, Name: name, Off: o.Text("accountEnabled") == "false"})
	}
	if c.May("readMethods") {
		for one, err := range c.Graph.Methods(c.Context(), p.ID, !c.Foreign()) {
			if err != nil {
				return p, nil, err
			}
			if k := keptOf([]graphclient.Object{one})[0]; c.May(removable[k.Kind]) {
				add("method:"+k.ID, k.Kind, k.Name, one)
			}
		}
	}
	if c.May("switchDevice") && c.May("readDevices") {
		devices, _, err := devicesOf(c, p.ID)
		if err != nil {
			return p, nil, err
		}
		for _, d := range devices {
			if d.Text("postern_isUnreadable") == "true" {
				continue // it signs nobody in, and can't be switched off
			}
			add("device:"+d.Text("id"), "device", d.Text("displayName"), d)
		}
	}
	if c.May("readReadiness") && !c.Foreign() {
		answer, err := c.Graph.Get(c.Context(), "postern", "users", p.ID, "readiness")
		if err == nil {
			for _, one := range casesOf(answer.Objects("cases")) {
				if one.Name != "offline" {
					p.Cases = append(p.Cases, one)
				}
			}
		}
	}
	return p, objects, nil
}

// askLost serves GET /console/people/{id}/lost.
func askLost(c *console.Call) error {
	p, _, err := lost(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, p)
}

// takeAway serves POST /console/people/{id}/lost: what was chosen is removed or switched off, one
// after the other. What could not be done is said beside it, with what was.
func takeAway(c *console.Call) error {
	p, objects, err := lost(c)
	if err != nil {
		return err
	}
	p.SignOut = c.Form("signout") != ""
	chosen := c.R.Form["gone"]
	p.Typed = c.Form("name")
	if p.unsure(chosen) {
		p.Mistyped = true
		return c.Show(http.StatusBadRequest, p)
	}
	taken, problems := 0, 0
	for i := range p.Things {
		one := &p.Things[i]
		if one.Chosen = slices.Contains(chosen, one.Key); !one.Chosen {
			continue
		}
		if err := take(c, p.ID, *one, objects[one.Key]); err != nil {
			if one.Problem = console.Explain(err); one.Problem == nil {
				return err
			}
			problems++
			continue
		}
		one.Done = true
		taken++
	}
	if p.SignOut && p.MaySignOut && taken+problems > 0 {
		if _, err := c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{}, "users", p.ID, "revokeSignInSessions"); err != nil {
			if p.Fault = console.Explain(err); p.Fault == nil {
				return err
			}
			problems++
		} else {
			p.SignedOut = true
		}
	}
	switch {
	case problems > 0:
		p.Unfinished = true
		return c.Show(http.StatusConflict, p)
	case taken == 0:
		p.NothingTaken = true
		return c.Show(http.StatusBadRequest, p)
	}
	return c.Go(pathOf(p.ID), "people_lost")
}

// unsure marks what was chosen, and reports whether a device PIN is among it without the person's name.
func (p lostPage) unsure(chosen []string) bool {
	pin := false
	for i := range p.Things {
		one := &p.Things[i]
		one.Chosen = slices.Contains(chosen, one.Key)
		pin = pin || one.Chosen && one.Kind == pinKind
	}
	return pin && !console.SameName(p.Typed, p.Name)
}

// take removes a method, or switches a device off.
func take(c *console.Call, user string, one thing, o graphclient.Object) error {
	if one.Kind != "device" {
		return c.Graph.RemoveMethod(c.Context(), user, o)
	}
	if one.Off {
		return nil
	}
	_, err := c.Graph.Do(c.Context(), http.MethodPatch, graphclient.Object{"accountEnabled": false}, "devices", o.Text("id"))
	return err
}
