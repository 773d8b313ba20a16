package people

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A field is one line of the form.
type field struct {
	Name  string // Graph's
	Value string
	Type  string // of the input
	Mode  string // autocomplete is off everywhere: it is somebody else's data
	Max   int
	Must  bool
	// Fixed says that the person's role may not change it.
	Fixed bool
	// Theirs is what somebody else saved meanwhile; nil while nobody did.
	Theirs *theirs
}

var (
	plainFields = []string{"displayName", "givenName", "surname", "mail", "employeeId", "jobTitle", "department", "officeLocation", "usageLocation"}
	// sensitiveFields are those of which the change is updateUserSensitive.
	sensitiveFields = []string{"userPrincipalName", "mobilePhone", "businessPhone"}
)

type editPage struct { // edit.html
	console.Frame
	ID, Name string // empty when somebody is added
	Plain    []field
	Account  []field
	Manager  string // UPN or id, as typed
	Enabled  bool
	// WasEnabled is what is there, so that the consequence can be said.
	WasEnabled, MayAccount bool
	ETag                   string
	Theirs                 bool // somebody was quicker
	Synced                 bool
}

// File implements console.Page.
func (editPage) File() string { return "edit.html" }

func fieldOf(name, value string) field {
	f := field{Name: name, Value: value, Type: "text", Max: 256}
	switch name {
	case "displayName":
		f.Must = true
	case "userPrincipalName":
		f.Must, f.Type, f.Max = true, "email", 113
	case "mail":
		f.Type = "email"
	case "mobilePhone", "businessPhone":
		f.Type, f.Max = "tel", 64
	case "employeeId":
		f.Max = 16
	case "usageLocation":
		f.Max = 2
	}
	return f
}

// valueOf is what a user has for a field.
func valueOf(user graphclient.Object, name string) string {
	if name == "businessPhone" {
		if all, _ := user["businessPhones"].([]any); len(all) > 0 {
			text, _ := all[0].(string)
			return text
		}
		return ""
	}
	return user.Text(name)
}

// form is the page with what value says about each field.
func form(c *console.Call, user graphclient.Object, value func(name string) string) editPage {
	p := editPage{
		Frame: c.Frame("people"), ID: user.Text("id"), ETag: user.Text(graphclient.ETag), MayAccount: c.May("updateUserSensitive") || user == nil && c.May("createUser"),
		WasEnabled: user == nil || user["accountEnabled"] == true, Synced: user["onPremisesSyncEnabled"] == true,
	}
	if p.ID != "" {
		p.Name = nameOf(user)
	}
	for _, name := range plainFields {
		f := fieldOf(name, value(name))
		f.Fixed = p.ID != "" && !c.May("updateUser")
		p.Plain = append(p.Plain, f)
	}
	for _, name := range sensitiveFields {
		f := fieldOf(name, value(name))
		f.Fixed = !p.MayAccount
		p.Account = append(p.Account, f)
	}
	return p
}

// askEdit serves GET /console/people/{id}/edit.
func askEdit(c *console.Call) error {
	user, err := person(c, profile)
	if err != nil {
		return err
	}
	p := form(c, user, func(name string) string { return valueOf(user, name) })
	p.Enabled = p.WasEnabled
	if manager, err := c.Graph.Select(c.Context(), "id,userPrincipalName", "users", p.ID, "manager"); err == nil {
		p.Manager = manager.Text("userPrincipalName")
	}
	return c.Show(http.StatusOK, p)
}

// edit serves POST /console/people/{id}/edit: only what was changed is sent, so that a role that
// may change some of it can, and only over the version that was read.
func edit(c *console.Call) error {
	user, err := person(c, profile)
	if err != nil {
		return err
	}
	id := user.Text("id")
	typed := func(name string) string { return c.Form(name) }
	again := func(err error) error {
		p := form(c, user, typed)
		p.Enabled, p.Manager = c.Form("accountEnabled") != "", c.Form("manager")
		if p.Fault = console.Explain(err); p.Fault == nil {
			return err
		}
		if p.Fault.Status == http.StatusPreconditionFailed {
			p.theirs(user)
		}
		return c.Show(http.StatusConflict, p)
	}
	if tag := c.Form("etag"); tag != "" && tag != user.Text(graphclient.ETag) {
		return again(&graphclient.Error{Status: http.StatusPreconditionFailed, Code: "objectChanged", Message: "Somebody else changed this meanwhile."})
	}
	change := graphclient.Object{}
	for _, name := range append(append([]string{}, plainFields...), sensitiveFields...) {
		value, was := typed(name), valueOf(user, name)
		if !c.R.Form.Has(name) || value == was {
			continue
		}
		switch {
		case name == "businessPhone" && value == "":
			change["businessPhones"] = []string{}
		case name == "businessPhone":
			change["businessPhones"] = []string{value}
		case value == "":
			change[name] = nil
		default:
			change[name] = value
		}
	}
	if c.R.Form.Has("account") { // the box was there
		if enabled := c.Form("accountEnabled") != ""; enabled != (user["accountEnabled"] == true) {
			change["accountEnabled"] = enabled
		}
	}
	if len(change) > 0 {
		if _, err := c.Graph.Matching(user.Text(graphclient.ETag)).Do(c.Context(), http.MethodPatch, change, "users", id); err != nil {
			if e, ok := errors.AsType[*graphclient.Error](err); ok && e.Status == http.StatusPreconditionFailed {
				if now, err := person(c, profile); err == nil {
					user = now // what the form is held against
				}
			}
			return again(err)
		}
	}
	if err := setManager(c, id); err != nil {
		return again(err)
	}
	return c.Go(pathOf(id), "people_saved")
}

// theirs marks what somebody else saved where it is not what was typed.
func (p *editPage) theirs(user graphclient.Object) {
	p.Theirs, p.Fault.Code = true, "objectChanged"
	for _, all := range [][]field{p.Plain, p.Account} {
		for i, f := range all {
			if now := valueOf(user, f.Name); now != f.Value {
				all[i].Theirs = &theirs{now}
			}
		}
	}
}

// setManager makes the one who was typed the manager, if that is a change.
func setManager(c *console.Call, id string) error {
	if !c.R.Form.Has("manager") || !c.May("updateManager") {
		return nil
	}
	typed := c.Form("manager")
	now, err := c.Graph.Select(c.Context(), "id,userPrincipalName", "users", id, "manager")
	if e, ok := errors.AsType[*graphclient.Error](err); ok && e.Status == http.StatusNotFound {
		err = nil
	}
	switch {
	case err != nil:
		return err
	case typed == "" && now.Text("id") == "", strings.EqualFold(typed, now.Text("userPrincipalName")) && typed != "":
		return nil
	case typed == "":
		_, err = c.Graph.Do(c.Context(), http.MethodDelete, nil, "users", id, "manager", "$ref")
		return err
	}
	manager, err := c.Graph.Select(c.Context(), "id", "users", typed)
	if err != nil {
		return err
	}
	return c.Graph.SetManager(c.Context(), id, manager.Text("id"))
}

// askNew serves GET /console/people/new.
func askNew(c *console.Call) error {
	p := form(c, nil, func(string) string { return "" })
	p.Enabled = true
	return c.Show(http.StatusOK, p)
}

// create serves POST /console/people/new.
func create(c *console.Call) error {
	again := func(err error) error {
		p := form(c, nil, func(name string) string { return c.Form(name) })
		p.Enabled, p.Manager = c.Form("accountEnabled") != "", c.Form("manager")
		if p.Fault = console.Explain(err); p.Fault == nil {
			return err
		}
		return c.Show(http.StatusBadRequest, p)
	}
	nick, _, _ := strings.Cut(c.Form("userPrincipalName"), "@")
	user := graphclient.Object{"accountEnabled": c.Form("accountEnabled") != "", "mailNickname": nick}
	for _, name := range append(append([]string{}, plainFields...), sensitiveFields...) {
		switch value := c.Form(name); {
		case value == "":
		case name == "businessPhone":
			user["businessPhones"] = []string{value}
		default:
			user[name] = value
		}
	}
	if c.Foreign() { // Entra makes nobody without a password; the person gets in by a pass, and nobody knows this one
		user["passwordProfile"] = graphclient.Object{"password": "aA1!" + rand.Text(), "forceChangePasswordNextSignIn": true}
	}
	made, err := c.Graph.Do(c.Context(), http.MethodPost, user, "users")
	if err != nil {
		return again(err)
	}
	id := made.Text("id")
	if err := setManager(c, id); err != nil {
		return c.Go(pathOf(id)+"/edit", "people_created_without_manager")
	}
	return c.Go(pathOf(id), "people_created")
}

// theirs is what somebody else saved, which may be nothing.
type theirs struct{ Value string }
