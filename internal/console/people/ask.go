package people

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type askPage struct { // ask.html: says what happens, then asks
	console.Frame
	ID, Name string
	What     string // key of its words: people_ask_{what}
	Thing    string // what it is about: the name of a method
	Kind     string // of the method
	Count    int    // how many sessions end
	Last     bool   // no way back is left
	Typed    string // the name of the computer whose PIN goes
	Mistyped bool
}

// Destroys reports whether a key goes that nobody can bring back, so that its computer's name is typed first.
func (p askPage) Destroys() bool { return p.What == "remove" && p.Kind == pinKind }

// Name that is to be typed: that of the computer, or of the person where it has none.
func (p askPage) Sure() string { return cmp.Or(p.Thing, p.Name) }

// pinKind is the kind of device PINs.
const pinKind = "windowsHelloForBusiness"

// File implements console.Page.
func (askPage) File() string { return "ask.html" }

// ask shows the page again with what went wrong, or for the first time.
func ask(c *console.Call, p askPage, err error) error {
	status := http.StatusOK
	if err != nil {
		if p.Fault = console.Explain(err); p.Fault == nil {
			return err
		}
		status = http.StatusConflict
	}
	return c.Show(status, p)
}

// about begins a page about the one that the path names.
func about(c *console.Call, what string) (askPage, error) {
	user, err := person(c, "id,displayName,userPrincipalName")
	return askPage{Frame: c.Frame("people"), ID: user.Text("id"), Name: nameOf(user), What: what}, err
}

// sessions counts where somebody is signed in, as far as that may be known.
func sessions(c *console.Call, id string) int {
	if c.Foreign() {
		return 0
	}
	found, err := c.Graph.Page(c.Context(), graphclient.Query{}, "postern", "users", id, "sessions")
	if err != nil {
		return 0 // the page says less then
	}
	return len(found.Items)
}

// askDelete serves GET /console/people/{id}/delete.
func askDelete(c *console.Call) error {
	p, err := about(c, "delete")
	if err != nil {
		return err
	}
	p.Count = sessions(c, p.ID)
	return ask(c, p, nil)
}

// remove serves POST /console/people/{id}/delete.
func remove(c *console.Call) error {
	p, err := about(c, "delete")
	if err != nil {
		return err
	}
	if _, err := c.Graph.Do(c.Context(), http.MethodDelete, nil, "users", p.ID); err != nil {
		return ask(c, p, err)
	}
	return c.Go(root, "people_deleted", "id", p.ID)
}

// restore serves POST /console/people/{id}/restore: it undoes what remove did.
func restore(c *console.Call) error {
	id := c.R.PathValue("id")
	if err := c.Graph.Restore(c.Context(), id); err != nil {
		return err
	}
	return c.Go(pathOf(url.PathEscape(id)), "people_restored")
}

// askSignOut serves GET /console/people/{id}/signout.
func askSignOut(c *console.Call) error {
	p, err := about(c, "signout")
	if err != nil {
		return err
	}
	p.Count = sessions(c, p.ID)
	return ask(c, p, nil)
}

// signOut serves POST /console/people/{id}/signout.
func signOut(c *console.Call) error {
	p, err := about(c, "signout")
	if err != nil {
		return err
	}
	if _, err := c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{}, "users", p.ID, "revokeSignInSessions"); err != nil {
		return ask(c, p, err)
	}
	return c.Go(pathOf(p.ID), "people_signed_out")
}

// endSession serves POST /console/people/{id}/sessions/{session}.
func endSession(c *console.Call) error {
	id := c.R.PathValue("id")
	_, err := c.Graph.Do(c.Context(), http.MethodDelete, nil, "postern", "users", id, "sessions", c.R.PathValue("session"))
	if e, ok := errors.AsType[*graphclient.Error](err); ok && e.Status == http.StatusNotFound {
		err = nil // it ended by itself
	}
	if err != nil {
		return err
	}
	return c.Go(pathOf(url.PathEscape(id)), "people_session_ended")
}

// methodOf finds a method of somebody.
func methodOf(c *console.Call, user, id string) (found graphclient.Object, left int, err error) {
	for one, err := range c.Graph.Methods(c.Context(), user, !c.Foreign()) {
		if err != nil {
			return nil, 0, err
		}
		if one.Text("id") == id {
			found = one
		} else if shortType(one.Text("@odata.type")) != "temporaryAccessPass" {
			left++
		}
	}
	if found == nil {
		err = console.ErrNowhere
	}
	return found, left, err
}

func askAboutMethod(c *console.Call) (askPage, graphclient.Object, error) {
	p, err := about(c, "remove")
	if err != nil {
		return p, nil, err
	}
	one, left, err := methodOf(c, p.ID, c.R.PathValue("method"))
	if err != nil {
		return p, nil, err
	}
	k := keptOf([]graphclient.Object{one})[0]
	p.Thing, p.Kind, p.Last = k.Name, k.Kind, left == 0 && k.Kind != "temporaryAccessPass"
	return p, one, nil
}

// askRemoveMethod serves GET /console/people/{id}/methods/{method}/remove.
func askRemoveMethod(c *console.Call) error {
	p, _, err := askAboutMethod(c)
	if err != nil {
		return err
	}
	return ask(c, p, nil)
}

// removeMethod serves POST /console/people/{id}/methods/{method}/remove.
func removeMethod(c *console.Call) error {
	p, one, err := askAboutMethod(c)
	if err != nil {
		return err
	}
	if p.Typed = c.Form("name"); p.Destroys() && !console.SameName(p.Typed, p.Sure()) {
		p.Mistyped = true
		return c.Show(http.StatusBadRequest, p)
	}
	if err := c.Graph.RemoveMethod(c.Context(), p.ID, one); err != nil {
		return ask(c, p, err)
	}
	return c.Go(pathOf(p.ID), "people_removed")
}

// setFrozen serves POST /console/people/{id}/methods/{method}/freeze and …/thaw.
func setFrozen(frozen bool) func(*console.Call) error {
	done := map[bool]string{true: "people_frozen", false: "people_thawed"}[frozen]
	return func(c *console.Call) error {
		id := c.R.PathValue("id")
		if err := c.Graph.SetMethodFrozen(c.Context(), id, c.R.PathValue("method"), frozen); err != nil {
			return err
		}
		return c.Go(pathOf(url.PathEscape(id)), done)
	}
}
