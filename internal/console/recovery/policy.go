package recovery

import (
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// What a policy is made of, as Graph calls it.
var (
	classes   = []string{"everyone", "role", "privileged"}
	rungs     = []string{"mailCode", "callBack", "video", "inPerson", "vouch", "numberMatch", "external", "manager", "credential"}
	hands     = []string{"read", "slip", "manager", "managerLink", "person", "browser"}
	others    = []string{"manager", "globalAdministrators"}
	purposes  = []string{"general", "registerMethods", "signIn", "resetPin"}
	weekdays  = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	lifetimes = []string{"caseLifetimeInMinutes", "proofLifetimeInMinutes", "approvalLifetimeInMinutes", "approverFreshInMinutes", "contactChangeDelayInHours", "disputeWindowInDays"}
	outside   = []string{"allow", "approve", "refuse"}
	selves    = []string{"off", "evaluation", "production"}
)

// rules is a recovery policy, as Graph has it.
type rules struct {
	CaseRequired []string          `json:"caseRequired"`
	Levels       map[string]string `json:"levels"`
	Rules        []rule            `json:"rules"`
	Hours        *hours            `json:"workingHours"`
	OutOfHours   string            `json:"outOfHours"`
	SelfService  string            `json:"selfService"`
	Times        map[string]int    `json:"-"` // by their names
	// Issuers are whose credentials count. They have pages of their own, and change here only by what is put back.
	Issuers []graphclient.Object `json:"credentialIssuers"`
}

type rule struct {
	Class  string   `json:"targetClass"`
	Grants []terms  `json:"grants"`
	Hands  []string `json:"handOver"`
	OpenBy string   `json:"personOpensBy"`
	Told   []string `json:"alsoTold"`
}

// terms are what one level is good for.
type terms struct {
	Level     string   `json:"level"`
	Minutes   int      `json:"maximumLifetimeInMinutes"`
	Once      bool     `json:"isUsableOnce"`
	Purposes  []string `json:"purposes"`
	Approvals int      `json:"approvals"`
	CoolDown  int      `json:"coolDownInMinutes"`
}

type hours struct {
	Days []string `json:"days"`
	From string   `json:"from"`
	To   string   `json:"to"`
}

type policyPage struct { // policy.html
	console.Frame
	Tag      string
	Draft    rules
	Changes  []console.Change
	Checked  bool
	Quicker  bool // somebody changed it while it was open
	Strands  bool // people would be left without a way back in
	MayWrite bool
	// Back is the change whose before is put back; After is the page of the history that has it.
	Back, After string
	IssuersStay bool // whoever puts back may not say whose credentials count
	Changed     time.Time
	Usual       bool   // nothing was ever saved
	Unread      string // key of a field that can't be read
	typed       map[string]string
}

// File implements console.Page.
func (policyPage) File() string { return "policy.html" }

// Lists of the form.
func (policyPage) Classes() []string   { return classes }
func (policyPage) Levels() []string    { return levels }
func (policyPage) Rungs() []string     { return rungs }
func (policyPage) Purposes() []string  { return purposes }
func (policyPage) Hands() []string     { return hands }
func (policyPage) Others() []string    { return others }
func (policyPage) Weekdays() []string  { return weekdays }
func (policyPage) Lifetimes() []string { return lifetimes }
func (policyPage) Outside() []string   { return outside }
func (policyPage) Selves() []string    { return selves }

// Needs reports whether people of a class get passes by cases only.
func (p policyPage) Needs(class string) bool { return slices.Contains(p.Draft.CaseRequired, class) }

// LevelOf is what a kind of proof is worth.
func (p policyPage) LevelOf(kind string) string { return p.Draft.Levels[kind] }

// Time is one of the lifetimes, as typed.
func (p policyPage) Time(name string) string {
	if typed, ok := p.typed[name]; ok {
		return typed
	}
	return strconv.Itoa(p.Draft.Times[name])
}

// Works reports whether a day is one of work.
func (p policyPage) Works(day string) bool {
	return p.Draft.Hours != nil && slices.Contains(p.Draft.Hours.Days, day)
}

// Goes reports whether a pass for people of a class may go a way.
func (p policyPage) Goes(class, hand string) bool {
	return slices.Contains(p.Draft.of(class).Hands, hand)
}

// Tells reports whether somebody else is told of passes for people of a class.
func (p policyPage) Tells(class, whom string) bool {
	return slices.Contains(p.Draft.of(class).Told, whom)
}

// ToldAt are the addresses that are told of them.
func (p policyPage) ToldAt(class string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(p.Draft.of(class).Told), func(one string) bool { return slices.Contains(others, one) }), ", ")
}

// Spoken reports whether a code that is read out opens the links of people of a class.
func (p policyPage) Spoken(class string) bool { return p.Draft.of(class).OpenBy == spokenCode }

const spokenCode = "spokenCode"

// of is the rule of a class.
func (r rules) of(class string) rule {
	if i := slices.IndexFunc(r.Rules, func(one rule) bool { return one.Class == class }); i >= 0 {
		return r.Rules[i]
	}
	return rule{Hands: slices.DeleteFunc(slices.Clone(hands), func(one string) bool { return one == "managerLink" })} // that one takes being named
}

// A slot is what a level is good for, for a class: empty terms for nothing of its own.
type slot struct {
	Class string
	On    bool
	terms
}

// Has reports whether a purpose is among those of the slot.
func (s slot) Has(purpose string) bool { return slices.Contains(s.Purposes, purpose) }

// SpanKey is the key of the words for how long a pass may work, SpanN the number in them.
func (s slot) SpanKey() string { return span(s.Minutes) }

// SpanN is the number in the words of SpanKey.
func (s slot) SpanN() int { return amount(s.Minutes) }

// Slots are the levels of a class.
func (p policyPage) Slots(class string) []slot {
	var all []slot
	for _, level := range levels[1:] {
		s := slot{Class: class, terms: terms{Level: level}}
		if g, ok := p.Draft.terms(class, level); ok {
			s.On, s.terms = true, g
		}
		all = append(all, s)
	}
	return all
}

func (r rules) terms(class, level string) (terms, bool) {
	for _, one := range r.Rules {
		for _, g := range one.Grants {
			if one.Class == class && g.Level == level {
				return g, true
			}
		}
	}
	return terms{}, false
}

// readPolicy returns the policy as it is, and its tag.
func readPolicy(c *console.Call) (rules, graphclient.Object, error) {
	o, err := c.Graph.Get(c.Context(), policyAt...)
	if err != nil {
		return rules{}, nil, err
	}
	r, err := rulesOf(o)
	return r, o, err
}

// rulesOf reads a policy that Graph shows.
func rulesOf(o graphclient.Object) (rules, error) {
	raw, err := json.Marshal(o)
	if err != nil {
		return rules{}, err
	}
	r := rules{Times: map[string]int{}}
	if err := json.Unmarshal(raw, &r); err != nil {
		return rules{}, graphclient.ErrAnswer
	}
	for _, name := range lifetimes {
		r.Times[name] = number(o, name)
	}
	if r.Levels == nil {
		r.Levels = map[string]string{}
	}
	return r, nil
}

var policyAt = []string{"postern", "recovery", "policy"}

// showPolicy serves GET /console/recovery/policy; ?back=EVENT fills in what was before a change.
func showPolicy(c *console.Call) error {
	now, o, err := readPolicy(c)
	if err != nil {
		return err
	}
	p := pageOf(c, now, o)
	if p.Back != "" {
		if p.Draft, err = beforeOf(c, p.Back); err != nil {
			return err
		}
		p.putBackIssuers(c, now, p.Draft)
		p.Checked, p.Changes = true, changesOf(c, now, p.Draft)
	}
	return c.Show(http.StatusOK, p)
}

// putBackIssuers takes the issuers of a version that is put back, if whoever does it may say who is believed.
func (p *policyPage) putBackIssuers(c *console.Call, now, version rules) {
	p.Draft.Issuers = version.Issuers
	if !c.May(trusts) && !reflect.DeepEqual(now.Issuers, version.Issuers) {
		p.Draft.Issuers, p.IssuersStay = now.Issuers, true
	}
}

func pageOf(c *console.Call, draft rules, o graphclient.Object) policyPage {
	return policyPage{
		Frame: c.Frame("recovery"), Tag: o.Text(graphclient.ETag), Draft: draft, MayWrite: c.May(writesPolicy), Back: c.Form("back"), After: c.Form("after"),
		Changed: o.Time("lastModifiedDateTime"), typed: map[string]string{},
	}
}

// editPolicy serves POST /console/recovery/policy: what changes is said first, then it is saved, if
// nobody was quicker. What was typed is shown again whatever happens.
func editPolicy(c *console.Call) error {
	if err := c.R.ParseForm(); err != nil {
		return err
	}
	now, o, err := readPolicy(c)
	if err != nil {
		return err
	}
	p := pageOf(c, rules{}, o)
	p.Draft = p.read(c, now)
	p.Draft.Issuers = now.Issuers
	if p.Back != "" {
		before, err := beforeOf(c, p.Back)
		if err != nil {
			return err
		}
		p.putBackIssuers(c, now, before)
	}
	p.Checked, p.Changes = true, changesOf(c, now, p.Draft)
	p.Quicker = c.Form("etag") != p.Tag
	switch {
	case p.Unread != "":
		p.Fault = console.Explain(errTyped)
		return c.Show(http.StatusBadRequest, p)
	case c.Form("act") != "save" || p.Quicker || len(p.Changes) == 0:
		return c.Show(http.StatusOK, p)
	}
	body := p.Draft.body()
	if !reflect.DeepEqual(now.Issuers, p.Draft.Issuers) {
		body["credentialIssuers"] = append([]graphclient.Object{}, p.Draft.Issuers...)
	}
	if c.Form("force") != "" {
		body["postern_force"] = true
	}
	if _, err := c.Graph.Matching(p.Tag).Do(c.Context(), http.MethodPatch, body, policyAt...); err != nil {
		if p.Fault = console.Explain(err); p.Fault == nil {
			return err
		}
		p.Strands = p.Fault.Status == http.StatusConflict // it can be insisted on
		return c.Show(statusOf(err), p)
	}
	return c.Go(policy, "recovery_policy")
}

// body is r as Graph takes it.
func (r rules) body() graphclient.Object {
	b := graphclient.Object{
		"caseRequired": append([]string{}, r.CaseRequired...), "levels": r.Levels, "rules": r.Rules, "workingHours": r.Hours,
		"outOfHours": r.OutOfHours, "selfService": r.SelfService,
	}
	for name, n := range r.Times {
		b[name] = n
	}
	return b
}

// read is the policy that the form says.
func (p *policyPage) read(c *console.Call, now rules) rules {
	d := rules{
		CaseRequired: c.R.Form["caseRequired"], Levels: map[string]string{}, Times: map[string]int{}, OutOfHours: c.Form("outOfHours"), SelfService: c.Form("selfService"),
	}
	number := func(name string, otherwise int) int {
		text := c.Form(name)
		n, err := strconv.Atoi(text)
		if err != nil {
			p.Unread = name
			p.typed[name] = text
			return otherwise
		}
		return n
	}
	for _, name := range lifetimes {
		d.Times[name] = number(name, now.Times[name])
	}
	for _, kind := range rungs {
		d.Levels[kind] = c.Form("level." + kind)
	}
	if c.Form("hours") != "" {
		d.Hours = &hours{Days: append([]string{}, c.R.Form["day"]...), From: c.Form("from"), To: c.Form("to")}
	}
	for _, class := range classes {
		r := rule{Class: class, Grants: []terms{}, Hands: append([]string{}, c.R.Form[class+".hand"]...), OpenBy: "passkey"}
		if c.Form(class+".spoken") != "" {
			r.OpenBy = spokenCode
		}
		r.Told = append(append([]string{}, c.R.Form[class+".told"]...), strings.FieldsFunc(c.Form(class+".toldAt"), func(r rune) bool { return strings.ContainsRune(",; \n", r) })...)
		for _, level := range levels[1:] {
			at := class + "." + level + "."
			if c.Form(at+"on") == "" {
				continue
			}
			r.Grants = append(r.Grants, terms{
				Level: level, Minutes: number(at+"minutes", 0), Once: c.Form(at+"once") != "", Purposes: append([]string{}, c.R.Form[at+"purpose"]...),
				Approvals: number(at+"approvals", 0), CoolDown: number(at+"coolDown", 0),
			})
		}
		d.Rules = append(d.Rules, r)
	}
	return d
}

// changesOf says what differs between two policies.
func changesOf(c *console.Call, now, then rules) []console.Change {
	before, after := now.said(c), then.said(c)
	var all []console.Change
	for i, one := range after {
		if before[i].Then != one.Then {
			was, is := apart(before[i].Then, one.Then)
			all = append(all, console.Change{Label: one.Label, Now: was, Then: is})
		}
	}
	if was, is := now.believed(c), then.believed(c); !reflect.DeepEqual(now.Issuers, then.Issuers) {
		if was == is {
			is += " " + c.Text("recovery_issuers_otherwise")
		}
		all = append(all, console.Change{Label: c.Text("issuers_title"), Now: was, Then: is})
	}
	return all
}

// believed names the issuers.
func (r rules) believed(c *console.Call) string {
	var all []string
	for _, one := range r.Issuers {
		all = append(all, one.Text("issuer"))
	}
	return cmp.Or(strings.Join(all, ", "), c.Text("recovery_nobody_at_all"))
}

// apart leaves of two rows only the parts that differ, unless nothing of one would be left.
func apart(was, is string) (string, string) {
	without := func(row, other string) string {
		parts := strings.Split(other, partBreak)
		return strings.Join(slices.DeleteFunc(strings.Split(row, partBreak), func(one string) bool { return slices.Contains(parts, one) }), partBreak)
	}
	before, after := without(was, is), without(is, was)
	if before == "" || after == "" {
		return was, is
	}
	return before, after
}

// partBreak stands between the parts of a row.
const partBreak = "; "

// said is a policy in words, a row for everything that can change.
func (r rules) said(c *console.Call) []console.Change {
	var all []console.Change
	add := func(label, words string) { all = append(all, console.Change{Label: label, Then: words}) }
	each := func(prefix string, values []string) string {
		var out []string
		for _, one := range values {
			out = append(out, c.Text(prefix+one))
		}
		if out == nil {
			return c.Text("recovery_nobody_at_all")
		}
		return strings.Join(out, ", ")
	}
	ordered := func(all, some []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(one string) bool { return !slices.Contains(some, one) })
	}
	add(c.Text("recovery_case_required"), each("recovery_class_", ordered(classes, r.CaseRequired)))
	for _, class := range classes {
		for _, level := range levels[1:] {
			label := c.Text("recovery_class_"+class) + ", " + c.Text("recovery_level_"+level)
			g, ok := r.terms(class, level)
			if !ok {
				add(label, c.Text("recovery_no_terms"))
				continue
			}
			parts := []string{c.Text(span(g.Minutes), "N", strconv.Itoa(amount(g.Minutes)))}
			if g.Once {
				parts = append(parts, c.Text("recovery_once"))
			} else {
				parts = append(parts, c.Text("recovery_many"))
			}
			parts = append(parts, each("recovery_purpose_", ordered(purposes, g.Purposes)))
			if g.Approvals > 0 {
				parts = append(parts, c.Text("recovery_approvals_n", "N", strconv.Itoa(g.Approvals)))
			}
			if g.CoolDown > 0 {
				parts = append(parts, c.Text("recovery_cool_n", "N", strconv.Itoa(g.CoolDown)))
			}
			add(label, strings.Join(parts, partBreak))
		}
		label := c.Text("recovery_class_"+class) + ", " + c.Text("recovery_how_there")
		parts := []string{each("recovery_way_", ordered(hands, r.of(class).Hands))}
		if r.of(class).OpenBy == spokenCode {
			parts = append(parts, c.Text("recovery_opens_spoken"))
		}
		add(label, strings.Join(parts, partBreak))
		told := []string{}
		for _, one := range r.of(class).Told {
			if slices.Contains(others, one) {
				one = c.Text("recovery_told_" + one)
			}
			told = append(told, one)
		}
		slices.Sort(told)
		add(c.Text("recovery_class_"+class)+", "+c.Text("recovery_told"), cmp.Or(strings.Join(told, ", "), c.Text("recovery_nobody_at_all")))
	}
	for _, kind := range rungs {
		add(c.Text("recovery_proof_"+kind), c.Text("recovery_level_"+r.Levels[kind]))
	}
	for _, name := range lifetimes {
		add(c.Text("recovery_time_"+name), strconv.Itoa(r.Times[name])+" "+c.Text("recovery_unit_"+name))
	}
	work := c.Text("recovery_always")
	if r.Hours != nil {
		work = each("recovery_day_", ordered(weekdays, r.Hours.Days)) + ", " + r.Hours.From + "–" + r.Hours.To
	}
	add(c.Text("recovery_working"), work)
	add(c.Text("recovery_out"), c.Text("recovery_out_"+r.OutOfHours))
	add(c.Text("recovery_self"), c.Text("recovery_self_"+r.SelfService))
	return all
}
