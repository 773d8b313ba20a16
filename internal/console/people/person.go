package people

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

const profile = "id,displayName,givenName,surname,userPrincipalName,mail,mailNickname,jobTitle,department,officeLocation,employeeId,employeeHireDate," +
	"mobilePhone,businessPhones,accountEnabled,userType,createdDateTime,onPremisesSyncEnabled,usageLocation"

// State is how a part of the page came out.
type state int

const (
	hidden state = iota // the person has no right to it, or Graph has it not
	shown
	refused // not of this person
	failed
)

// A part is a list on the page. Parts fail one by one.
type part struct {
	State state
	Items []graphclient.Object
	More  bool
}

func (p part) Shown() bool   { return p.State == shown }
func (p part) Refused() bool { return p.State == refused }
func (p part) Failed() bool  { return p.State == failed }
func (p part) There() bool   { return p.State != hidden }

// stateOf says what a failure makes of a part.
func stateOf(err error) state {
	if err == nil {
		return shown
	}
	if e, ok := errors.AsType[*graphclient.Error](err); ok {
		switch e.Status {
		case http.StatusForbidden:
			return refused
		case http.StatusNotFound, http.StatusNotImplemented:
			return hidden // another Graph
		}
	}
	return failed
}

type personPage struct { // person.html
	console.Frame
	User    graphclient.Object
	Manager graphclient.Object
	Name    string
	Off     bool
	Self    bool

	Ways part // cases of readiness
	Best string
	// Unreadable says that something that is stored of the person can't be read.
	Unreadable bool
	Methods    part
	Devices    part
	Groups     part
	Roles      part
	Sessions   part
	Lately     part
	Waiting    part // cases of recovery

	call *console.Call

	MayIssue, MayHelp, MayEdit, MayDelete, MayRemove, MayFreeze, MaySignOut, MayReadPass, MayOpen bool
}

// File implements console.Page.
func (personPage) File() string { return "person.html" }

// Entries are what happened lately, in words.
func (p personPage) Entries() []entry { return entriesOf(p.call, p.Lately.Items) }

// Cases are the ways back in.
func (p personPage) Cases() []wayCase { return casesOf(p.Ways.Items) }

// Kept are the methods.
func (p personPage) Kept() []kept { return keptOf(p.Methods.Items) }

// Places are where the person is signed in.
func (p personPage) Places() []place { return placesOf(p.Sessions.Items) }

// Since is when the account was made.
func (p personPage) Since() time.Time { return p.User.Time("createdDateTime") }

// Hired is when the person starts, or started.
func (p personPage) Hired() time.Time { return p.User.Time("employeeHireDate") }

// HiredIn is where that day is read: a date alone is the same day everywhere.
func (p personPage) HiredIn() *time.Location {
	if at := p.Hired().UTC(); at.Equal(at.Truncate(24 * time.Hour)) {
		return time.UTC
	}
	return p.Zone
}

// show serves GET /console/people/{id}.
func show(c *console.Call) error {
	user, err := person(c, profile)
	if err != nil {
		return err
	}
	id := user.Text("id")
	p := personPage{
		call:  c,
		Frame: c.Frame("people"), User: user, Name: nameOf(user), Off: user["accountEnabled"] == false, Self: id == c.Person.ID,
		MayEdit: c.May("updateUser") || c.May("updateUserSensitive"),
	}
	own := !c.Foreign()
	var all sync.WaitGroup
	load := func(to *part, may bool, get func() ([]graphclient.Object, bool, error)) {
		if !may {
			return
		}
		all.Go(func() {
			items, more, err := get()
			*to = part{State: stateOf(err), Items: items, More: more}
		})
	}
	page := func(q graphclient.Query, names ...string) func() ([]graphclient.Object, bool, error) {
		return func() ([]graphclient.Object, bool, error) {
			found, err := c.Graph.Page(c.Context(), q, names...)
			return found.Items, found.Next != "", err
		}
	}
	load(&p.Ways, own && (c.May("readReadiness") || p.Self), func() ([]graphclient.Object, bool, error) {
		answer, err := c.Graph.Get(c.Context(), "postern", "users", id, "readiness")
		best, _ := answer["best"].(map[string]any)
		p.Best, _ = best["remedy"].(string)
		p.Unreadable, _ = answer["isUnreadable"].(bool)
		return answer.Objects("cases"), false, err
	})
	load(&p.Methods, c.May("readMethods") || p.Self, func() (items []graphclient.Object, more bool, err error) {
		for one, err := range c.Graph.Methods(c.Context(), id, own) {
			if err != nil {
				return nil, false, err
			}
			items = append(items, one)
		}
		return items, false, nil
	})
	load(&p.Devices, c.May("readDevices"), func() ([]graphclient.Object, bool, error) { return devicesOf(c, id) })
	load(&p.Groups, c.May("readMemberships"), page(graphclient.Query{Select: "id,displayName", Top: 25}, "users", id, "memberOf", "microsoft.graph.group"))
	load(&p.Roles, c.May("readMemberships"), page(graphclient.Query{Select: "id,displayName", Top: 25}, "users", id, "transitiveMemberOf", "microsoft.graph.directoryRole"))
	load(&p.Sessions, own && (c.May("readSessions") || p.Self), page(graphclient.Query{}, "postern", "users", id, "sessions"))
	load(&p.Lately, own && (c.May("readHistory") || c.May("readSignIns")), page(graphclient.Query{Top: 8}, "postern", "users", id, "history"))
	load(&p.Waiting, own && c.May("readCases"), func() ([]graphclient.Object, bool, error) {
		found, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: "userId eq " + graphclient.Quote(id), Top: 5}, "postern", "recovery", "cases")
		return slices.DeleteFunc(found.Items, func(o graphclient.Object) bool { return slices.Contains(caseOver, o.Text("state")) }), false, err
	})
	all.Go(func() {
		p.Manager, _ = c.Graph.Select(c.Context(), "id,displayName", "users", id, "manager") // none, or none that may be read
	})
	all.Wait()
	// Who may not see the methods of this person may not change them.
	reached := !p.Methods.Refused() && !p.Ways.Refused() && !p.Sessions.Refused()
	p.MayIssue = c.May("issuePass") && reached && !p.Self
	p.MayOpen = own && c.May("handleCase") && reached && !p.Self
	p.MayHelp = mayOne(c, helper) && reached
	p.MayRemove = (c.May("deletePhone") || c.May("deletePasskey")) && reached
	p.MayFreeze = c.May("freezeMethod") && reached && !p.Self && own
	p.MaySignOut = c.May("revokeSessions") && reached
	p.MayDelete = c.May("deleteUser") && reached && !p.Self
	return c.Show(http.StatusOK, p)
}

// caseOver are the states of a case of recovery that waits for nobody.
var caseOver = []string{"closed", "cancelled", "refused", "expired", "reverted"}

// devicesOf are the devices that somebody owns, and those where they signed in.
func devicesOf(c *console.Call, id string) (all []graphclient.Object, more bool, err error) {
	seen := map[string]bool{}
	for _, link := range []string{"ownedDevices", "registeredDevices"} {
		q := graphclient.Query{Select: "id,displayName,operatingSystem,operatingSystemVersion,trustType,accountEnabled,approximateLastSignInDateTime", Top: 20}
		if !c.Foreign() {
			q.Select += ",postern_isUnreadable"
		}
		found, err := c.Graph.Page(c.Context(), q, "users", id, link)
		if err != nil {
			return nil, false, err
		}
		more = more || found.Next != ""
		for _, d := range found.Items {
			if !seen[d.Text("id")] {
				seen[d.Text("id")] = true
				all = append(all, d)
			}
		}
	}
	return all, more, nil
}

func nameOf(user graphclient.Object) string {
	if name := user.Text("displayName"); name != "" {
		return name
	}
	return user.Text("userPrincipalName")
}

// Initials are those of the person whose page it is.
func (p personPage) NameInitials() string {
	var out []rune
	for word := range strings.FieldsSeq(p.Name) {
		out = append(out, []rune(word)[0])
	}
	if len(out) > 2 {
		out = []rune{out[0], out[len(out)-1]}
	}
	return string(out)
}

// Phones are where the person can be called back.
func (p personPage) Phones() []string {
	var all []string
	numbers, _ := p.User["businessPhones"].([]any)
	for _, n := range append([]any{p.User["mobilePhone"]}, numbers...) {
		if text, ok := n.(string); ok && text != "" && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// A wayCase is one case of a person's readiness.
type wayCase struct {
	Name, Standing, Icon, Tone string
	Ways                       []way
	PassNow                    bool
}

type way struct {
	Kinds  []named
	Device string
	Until  time.Time
}

// A named thing is a method by its kind and the name that its owner gave it.
type named struct{ Kind, Name string }

var tones = map[string][2]string{
	"ready": {"check", "good"}, "oneLeft": {"caution", "caution"}, "passOnly": {"stop", "danger"}, "nothing": {"stop", "danger"},
}

func casesOf(items []graphclient.Object) []wayCase {
	var all []wayCase
	for _, o := range items {
		if o.Text("standing") == "notApplicable" {
			continue
		}
		one := wayCase{Name: o.Text("case"), Standing: o.Text("standing"), PassNow: o["passWorksNow"] == true}
		tone := tones[one.Standing]
		one.Icon, one.Tone = tone[0], tone[1]
		for _, w := range o.Objects("ways") {
			v := way{Device: w.Text("device/displayName"), Until: w.Time("untilDateTime")}
			for _, m := range w.Objects("methods") {
				v.Kinds = append(v.Kinds, named{m.Text("type"), m.Text("displayName")})
			}
			one.Ways = append(one.Ways, v)
		}
		all = append(all, one)
	}
	return all
}

// kept is a method on the page.
type kept struct {
	ID, Kind, Name, UsedOn, State string
	UsedAt, AddedAt               time.Time
	Frozen, Unreadable            bool
}

// Icon shows what kind of thing it is.
func (k kept) Icon() string {
	switch k.Kind {
	case "temporaryAccessPass":
		return "pass"
	case "windowsHelloForBusiness":
		return "keypad"
	case "microsoftAuthenticator", "softwareOath", "phone":
		return "phone"
	case "fido2":
		return "key"
	}
	return "shield"
}

// Freezable reports whether it can be frozen: passes and device PINs can only be removed.
func (k kept) Freezable() bool {
	return !k.Unreadable && (k.Kind == "fido2" || k.Kind == "microsoftAuthenticator" || k.Kind == "softwareOath")
}

// Removable reports whether there is a way to remove it.
func (k kept) Removable() bool { return k.Kind != "password" }

func keptOf(items []graphclient.Object) []kept {
	var all []kept
	for _, o := range items {
		k := kept{
			ID: o.Text("id"), Kind: shortType(o.Text("@odata.type")), Name: o.Text("postern_displayName"), UsedOn: o.Text("postern_lastUsedOn"),
			UsedAt: o.Time("postern_lastUsedDateTime"), AddedAt: o.Time("createdDateTime"), Frozen: o.Text("postern_frozenDateTime") != "",
			Unreadable: o.Text("postern_isUnreadable") == "true",
		}
		if k.Name == "" {
			k.Name = o.Text("displayName")
		}
		if k.Kind == "temporaryAccessPass" {
			k.State = o.Text("methodUsabilityReason")
			if o.Text("postern_stoppedBecause") != "" {
				k.State = "Stopped"
			}
		}
		all = append(all, k)
	}
	return all
}

// A place is where somebody is signed in.
type place struct {
	ID, On, Address string
	With            []string
	Since, Ends     time.Time
}

func placesOf(items []graphclient.Object) []place {
	var all []place
	for _, o := range items {
		p := place{ID: o.Text("id"), On: o.Text("signedInOn"), Address: o.Text("ipAddress"), Since: o.Time("createdDateTime"), Ends: o.Time("expirationDateTime")}
		with, _ := o["signedInWith"].([]any)
		for _, w := range with {
			if name, ok := w.(string); ok {
				p.With = append(p.With, name)
			}
		}
		all = append(all, p)
	}
	return all
}
