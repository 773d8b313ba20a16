package directory

import (
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// groupForm makes or changes a group.
type groupForm struct {
	console.Frame
	ID   string // empty for a new one
	ETag string
	Old  string // its name before

	Name, Description, Nickname, Rule, Membership string
	// ForRoles is chosen when a group is made, and never again.
	ForRoles, MayForRoles, MayPlain bool

	Try *tried
	// Theirs is what somebody else saved while the form was open; nil if nobody did.
	Theirs *groupFacts
}

func (groupForm) File() string { return "groupform.html" }

// How somebody comes to be a member.
const (
	assigned = "assigned"
	byRule   = "rule"
	paused   = "paused" // a rule that is not followed for now
)

// tried is what a rule would come to.
type tried struct {
	Wrong             string
	Looked, Matched   int
	LookedAtAll, More bool
	Devices           []thing
}

func newGroup(c *console.Call) error {
	return c.Show(http.StatusOK, groupForm{
		Frame: c.Frame("groups"), Membership: assigned, MayForRoles: c.May("changeRoleGroup"), MayPlain: c.May("createGroup"),
		ForRoles: !c.May("createGroup"),
	})
}

func readGroupForm(c *console.Call, nav string) groupForm {
	return groupForm{
		Frame: c.Frame(nav), ETag: c.Form("etag"), Old: c.Form("old"),
		Name: c.Form("displayName"), Description: c.Form("description"), Nickname: c.Form("mailNickname"),
		Rule: c.Form("membershipRule"), Membership: c.Form("membership"), ForRoles: c.Form("isAssignableToRole") == "true",
		MayForRoles: c.May("changeRoleGroup"), MayPlain: c.May("createGroup"),
	}
}

// body is what Graph is told of the group, for a new one or a change of one that has types: another Graph's
// may be of a kind that is not chosen here, and stays so.
func (f groupForm) body(types []string) graphclient.Object {
	then := slices.DeleteFunc(append([]string{}, types...), func(one string) bool { return one == ruled })
	o := graphclient.Object{"displayName": f.Name, "description": nullable(f.Description)}
	switch f.Membership {
	case byRule, paused:
		then = append(then, ruled)
		o["membershipRule"] = f.Rule
		o["membershipRuleProcessingState"] = map[string]string{byRule: "On", paused: "Paused"}[f.Membership]
	}
	if f.ID == "" || len(then) != len(types) {
		o["groupTypes"] = then
	}
	return o
}

func nullable(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func createGroup(c *console.Call) error {
	f := readGroupForm(c, "groups")
	if c.Form("try") != "" {
		return f.tryOut(c)
	}
	o := f.body(nil)
	o["mailEnabled"], o["securityEnabled"] = false, true
	if o["mailNickname"] = f.Nickname; f.Nickname == "" {
		o["mailNickname"] = nickname(f.Name)
	}
	if f.ForRoles {
		o["isAssignableToRole"] = true
	}
	made, err := c.Graph.Do(c.Context(), http.MethodPost, o, "groups")
	if err != nil {
		return again(c, &f.Frame, err, func() console.Page { return f })
	}
	return c.Go(groups.href(made.Text("id")), "directory_group_made")
}

// nickname makes a mail nickname of a name: Graph wants one, and nobody reads it here.
func nickname(name string) string {
	fit := strings.Map(func(r rune) rune {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			return unicode.ToLower(r)
		case r == ' ', r == '-', r == '_', r == '.':
			return '-'
		}
		return -1
	}, name)
	if fit = strings.Trim(fit[:min(len(fit), 60)], "-"); fit == "" {
		return "group"
	}
	return fit
}

// again shows a form once more, with what was typed and why it was refused. What needs a page of
// its own gets one.
func again(c *console.Call, f *console.Frame, err error, page func() console.Page) error {
	if f.Fault = console.Explain(err); f.Fault == nil {
		return err
	}
	status := f.Fault.Status
	if status < 400 {
		status = http.StatusBadRequest
	}
	return c.Show(status, page())
}

func editGroup(c *console.Call) error {
	o, err := groups.allowed(c, toEdit)
	if err != nil {
		return err
	}
	facts := factsOf(o)
	f := groupForm{
		Frame: c.Frame("groups"), ID: facts.ID, ETag: o.Text(graphclient.ETag), Old: facts.Name, Name: facts.Name, Description: facts.Description,
		Rule: facts.Rule, Membership: membershipOf(facts), ForRoles: facts.ForRoles,
	}
	return c.Show(http.StatusOK, f)
}

func membershipOf(g groupFacts) string {
	switch {
	case g.Dynamic && g.Paused:
		return paused
	case g.Dynamic:
		return byRule
	}
	return assigned
}

func updateGroup(c *console.Call) error {
	o, err := groups.allowed(c, toEdit)
	if err != nil {
		return err
	}
	f := readGroupForm(c, "groups")
	facts := factsOf(o)
	f.ID, f.ForRoles, f.Old = facts.ID, facts.ForRoles, facts.Name
	if c.Form("try") != "" {
		return f.tryOut(c)
	}
	err = change(c, f.ETag, f.body(texts(o, "groupTypes")), "groups", f.ID)
	if quicker(err) {
		if now, err := groups.open(c); err == nil {
			o, facts = now, factsOf(now)
		}
		f.Theirs, f.ETag = &facts, o.Text(graphclient.ETag)
	}
	if err != nil {
		return again(c, &f.Frame, err, func() console.Page { return f })
	}
	return c.Go(groups.href(f.ID), "directory_group_changed")
}

// tryOut shows the form again with what its rule comes to. Nothing is saved.
func (f groupForm) tryOut(c *console.Call) error {
	f.Try = &tried{}
	answer, err := c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{"membershipRule": f.Rule}, "postern", "groups", "tryMembershipRule")
	if wrong := console.Explain(err); wrong != nil {
		f.Try.Wrong = wrong.Message
		return c.Show(http.StatusOK, f)
	}
	if err != nil {
		return err
	}
	f.Try.Looked, f.Try.Matched, f.Try.LookedAtAll = count(answer, "looked"), count(answer, "matched"), is(answer, "lookedAtAll")
	for _, d := range answer.Objects("devices") {
		f.Try.Devices = append(f.Try.Devices, thingOf(d, "device"))
	}
	f.Try.More = f.Try.Matched > len(f.Try.Devices)
	return c.Show(http.StatusOK, f)
}

// count returns a property that is a number.
func count(o graphclient.Object, name string) int {
	n, _ := o[name].(float64)
	return int(n)
}
