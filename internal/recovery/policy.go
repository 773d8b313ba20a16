package recovery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery/sdjwt"
)

// A Class says how much somebody's account is worth.
type Class string

// The classes, least first.
const (
	Everyone   Class = "everyone"
	WithRole   Class = "role"       // holds a role that an Authentication Administrator reaches
	Privileged Class = "privileged" // holds more, or can get it
)

// Classes are all classes.
var Classes = []Class{Everyone, WithRole, Privileged}

// ClassOf is the class of a person, by the roles that they hold now.
func ClassOf(t directory.Target) Class {
	switch t.Power() {
	case directory.PowerGreat:
		return Privileged
	case directory.PowerSome:
		return WithRole
	case directory.PowerUnknown, directory.PowerNone:
	}
	return Everyone
}

// Passable reports whether somebody of a class can get a pass at all: without a case, or by one, when a kind of
// proof is worth enough.
func (p Policy) Passable(class Class) bool {
	return !p.NeedsCase(class) || slices.ContainsFunc(Ladder, func(r Rung) bool {
		_, ok := p.Grant(class, p.LevelOf(r.Kind))
		return ok
	})
}

// ManagersHelp reports whether managers let their people back in, without the helpdesk.
func (p Policy) ManagersHelp() bool {
	return p.SelfService == SelfProduction && p.LevelOf(ProofManager) != LevelNone
}

// A Policy says what a proof is worth, and what a pass may be that comes from a case.
type Policy struct {
	// CaseRequired are the classes of which nobody gets a pass without a case; empty for none.
	CaseRequired []Class `json:"caseRequired,omitempty"`
	// Levels replace the levels of the ladder; LevelNone turns a kind off.
	Levels map[ProofKind]Level `json:"levels,omitempty"`
	Rules  []Rule              `json:"rules"` // one for each class

	CaseMinutes     int `json:"caseLifetimeInMinutes"`     // until a case without a pass expires
	ProofMinutes    int `json:"proofLifetimeInMinutes"`    // how long a proof counts
	ApprovalMinutes int `json:"approvalLifetimeInMinutes"` // how long an approval counts
	FreshMinutes    int `json:"approverFreshInMinutes"`    // how old an approver's sign-in may be
	ContactHours    int `json:"contactChangeDelayInHours"` // how long contact data must have been on file
	DisputeDays     int `json:"disputeWindowInDays"`       // how long after its end a case may be disputed

	Hours      *Hours     `json:"workingHours,omitempty"` // nil: always
	OutOfHours OutOfHours `json:"outOfHours"`

	// SelfService says whether people who lost everything may recover by themselves.
	SelfService SelfService `json:"selfService"`

	// Credentials are whose credentials count as a proof; without one none does.
	Credentials []sdjwt.Issuer `json:"credentials,omitempty"`

	ModifiedAt time.Time `json:"-"`
	Version    int64     `json:"-"` // 0: the tenant has the default
}

// A Rule says what a pass may be for people of a class.
type Rule struct {
	Class  Class   `json:"class"`
	Grants []Grant `json:"grants"` // at most one for each level; none: no pass by a case
	// Hands are how a pass reaches them; nil for all but HandManagerLink. OpenBy is what opens a link with their own.
	Hands  []Hand `json:"handOver,omitempty"`
	OpenBy OpenBy `json:"personOpensBy,omitempty"`
	// Told are who else is told by mail of each pass.
	Told []string `json:"alsoTold,omitempty"`
}

// A Grant is what one level is good for. A better level that has none of its own has this.
type Grant struct {
	Level     Level         `json:"level"`
	Minutes   int           `json:"maximumLifetimeInMinutes"`
	Once      bool          `json:"isUsableOnce"`
	Purposes  []PurposeKind `json:"purposes"`          // the first is that of a request which names none
	Approvals int           `json:"approvals"`         // of other people
	CoolDown  int           `json:"coolDownInMinutes"` // from the proof to the pass
}

// A PurposeKind is a purpose without the device that it names.
type PurposeKind string

// The kinds of purpose.
const (
	PurposeGeneral  PurposeKind = "general"
	PurposeRegister PurposeKind = "registerMethods"
	PurposeSignIn   PurposeKind = "signIn"
	PurposeReset    PurposeKind = "resetPin"
)

// PurposeKinds are all kinds.
var PurposeKinds = []PurposeKind{PurposeGeneral, PurposeRegister, PurposeSignIn, PurposeReset}

// KindOf is the kind of a purpose.
func KindOf(p tap.Purpose) PurposeKind {
	kind, _, _ := strings.Cut(string(p), ":")
	if kind == "" {
		return PurposeGeneral
	}
	return PurposeKind(kind)
}

// on is the purpose of that kind; device is that of those which name one.
func (k PurposeKind) on(device string) tap.Purpose {
	switch k {
	case PurposeGeneral:
		return ""
	case PurposeSignIn, PurposeReset:
		return tap.Purpose(k).On(device)
	}
	return tap.Purpose(k)
}

// Hours are when the helpdesk works, in the tenant's time zone.
type Hours struct {
	Days []string `json:"days"` // monday …
	From string   `json:"from"` // 08:00, inclusive
	To   string   `json:"to"`   // 18:00, exclusive
}

// OutOfHours says what becomes of a pass outside of the hours.
type OutOfHours string

// What it may be.
const (
	OutAllow   OutOfHours = "allow"
	OutApprove OutOfHours = "approve" // one approval more
	OutRefuse  OutOfHours = "refuse"
)

// SelfService is the mode of recovery without anybody's help.
type SelfService string

// The modes, as at Entra.
const (
	SelfOff        SelfService = "off"
	SelfEvaluation SelfService = "evaluation" // everything but the pass
	SelfProduction SelfService = "production"
)

// DefaultPolicy is what a tenant has that said nothing.
func DefaultPolicy() Policy {
	return Policy{
		Rules: []Rule{
			{Class: Everyone, Grants: []Grant{
				{Level: LevelLow, Minutes: 60, Once: true, Purposes: []PurposeKind{PurposeGeneral, PurposeRegister, PurposeSignIn, PurposeReset}},
				{Level: LevelMedium, Minutes: 480, Purposes: PurposeKinds},
			}},
			{Class: WithRole, Grants: []Grant{{Level: LevelMedium, Minutes: 120, Once: true, Purposes: PurposeKinds, Approvals: 1}}},
			{Class: Privileged, Grants: []Grant{{Level: LevelMedium, Minutes: 60, Once: true, Purposes: PurposeKinds, Approvals: 1, CoolDown: 60}, {Level: LevelHigh, Minutes: 60, Once: true, Purposes: PurposeKinds, Approvals: 1}}},
		},
		CaseMinutes: 3 * 24 * 60, ProofMinutes: 24 * 60, ApprovalMinutes: 4 * 60, FreshMinutes: 10, ContactHours: 7 * 24, DisputeDays: 30,
		OutOfHours: OutAllow, SelfService: SelfOff,
	}
}

func (p Policy) proofLife() time.Duration    { return time.Duration(p.ProofMinutes) * time.Minute }
func (p Policy) approvalLife() time.Duration { return time.Duration(p.ApprovalMinutes) * time.Minute }
func (p Policy) fresh() time.Duration        { return time.Duration(p.FreshMinutes) * time.Minute }

// ContactDelay is how long contact data must have been on file to count.
func (p Policy) ContactDelay() time.Duration { return time.Duration(p.ContactHours) * time.Hour }

// DisputeWindow is how long after its end a case may be disputed.
func (p Policy) DisputeWindow() time.Duration { return time.Duration(p.DisputeDays) * 24 * time.Hour }

// NeedsCase reports whether people of a class get passes by cases only.
func (p Policy) NeedsCase(c Class) bool { return slices.Contains(p.CaseRequired, c) }

// LevelOf is what a kind of proof is worth; LevelNone for one that is off or unknown.
func (p Policy) LevelOf(k ProofKind) Level {
	if l, ok := p.Levels[k]; ok {
		return l
	}
	rung, _ := RungOf(k)
	if rung.Level == "" {
		return LevelNone
	}
	return rung.Level
}

// Grant returns what a level is good for, for people of a class: false for nothing.
func (p Policy) Grant(class Class, level Level) (Grant, bool) {
	var best Grant
	for _, r := range p.Rules {
		if r.Class != class {
			continue
		}
		for _, g := range r.Grants {
			if level.AtLeast(g.Level) && g.Level.AtLeast(best.Level) && g.Level != best.Level {
				best = g
			}
		}
	}
	return best, best.Level != ""
}

// within reports whether now is in the working hours of the tenant.
func (p Policy) within(now time.Time, zone *time.Location) bool {
	if p.Hours == nil {
		return true
	}
	local := now.In(zone)
	clock := local.Format("15:04")
	return slices.Contains(p.Hours.Days, strings.ToLower(local.Weekday().String())) && p.Hours.From <= clock && clock < p.Hours.To
}

// Bounds of a policy.
const (
	shortestPass = 10
	longestPass  = 30 * 24 * 60
	mostMinutes  = 90 * 24 * 60
	mostHours    = 90 * 24
	mostDays     = 365
	mostApprove  = 3
)

// Check reports what is wrong with p as a fault, or nil.
func (p Policy) Check() error {
	for _, b := range []struct {
		name               string
		value, least, most int
	}{
		{"caseLifetimeInMinutes", p.CaseMinutes, 10, mostMinutes},
		{"proofLifetimeInMinutes", p.ProofMinutes, 10, mostMinutes},
		{"approvalLifetimeInMinutes", p.ApprovalMinutes, 5, mostMinutes},
		{"approverFreshInMinutes", p.FreshMinutes, 1, 24 * 60},
		{"contactChangeDelayInHours", p.ContactHours, 0, mostHours},
		{"disputeWindowInDays", p.DisputeDays, 1, mostDays},
	} {
		if b.value < b.least || b.value > b.most {
			return ErrPolicy.With(b.name, fmt.Sprintf("%s must be between %d and %d.", b.name, b.least, b.most))
		}
	}
	for _, c := range p.CaseRequired {
		if !slices.Contains(Classes, c) {
			return ErrPolicy.With("caseRequired", "caseRequired holds everyone, role and privileged.")
		}
	}
	for k, l := range p.Levels {
		if _, ok := RungOf(k); !ok || !slices.Contains(Levels, l) {
			return ErrPolicy.With("levels", fmt.Sprintf("levels can't give %.40q the level %.40q.", string(k), string(l)))
		}
	}
	if !slices.Contains([]OutOfHours{OutAllow, OutApprove, OutRefuse}, p.OutOfHours) {
		return ErrPolicy.With("outOfHours", "outOfHours is allow, approve or refuse.")
	}
	if !slices.Contains([]SelfService{SelfOff, SelfEvaluation, SelfProduction}, p.SelfService) {
		return ErrPolicy.With("selfService", "selfService is off, evaluation or production.")
	}
	if err := p.Hours.check(); err != nil {
		return err
	}
	if err := p.checkCredentials(); err != nil {
		return err
	}
	return p.checkRules()
}

func (h *Hours) check() error {
	if h == nil {
		return nil
	}
	for _, at := range []string{h.From, h.To} {
		if t, err := time.Parse("15:04", at); err != nil || t.Format("15:04") != at {
			return ErrPolicy.With("workingHours", "workingHours say from and to as 08:00.")
		}
	}
	if h.From >= h.To || len(h.Days) == 0 {
		return ErrPolicy.With("workingHours", "workingHours name at least a day, and end after they begin.")
	}
	for _, d := range h.Days {
		if !slices.Contains(weekdays, d) {
			return ErrPolicy.With("workingHours", "The days of workingHours are monday to sunday.")
		}
	}
	return nil
}

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

func (p Policy) checkRules() error {
	seen := map[Class]bool{}
	for _, r := range p.Rules {
		if !slices.Contains(Classes, r.Class) || seen[r.Class] {
			return ErrPolicy.With("rules", "rules has each of everyone, role and privileged once at most.")
		}
		seen[r.Class] = true
		if err := cmp.Or(r.checkHands(), r.checkTold()); err != nil {
			return err
		}
		levels := map[Level]bool{}
		for _, g := range r.Grants {
			if levels[g.Level] {
				return ErrPolicy.With("rules", "A rule has one grant for each level at most.")
			}
			levels[g.Level] = true
			if err := g.check(r.Class); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g Grant) check(class Class) error {
	switch {
	case !slices.Contains(Levels[1:], g.Level):
		return ErrPolicy.With("rules", "A grant is for the level low, medium or high: without a proof there is no pass.")
	case g.Minutes < shortestPass || g.Minutes > longestPass:
		return ErrPolicy.With("rules", fmt.Sprintf("maximumLifetimeInMinutes must be between %d and %d.", shortestPass, longestPass))
	case g.CoolDown < 0 || g.CoolDown > mostMinutes:
		return ErrPolicy.With("rules", fmt.Sprintf("coolDownInMinutes must be between 0 and %d.", mostMinutes))
	case g.Approvals < 0 || g.Approvals > mostApprove:
		return ErrPolicy.With("rules", fmt.Sprintf("approvals must be between 0 and %d.", mostApprove))
	case class == Privileged && (g.Approvals < 1 || !g.Level.AtLeast(LevelMedium)):
		return ErrPolicy.With("rules", "A pass for the privileged class takes a level of medium at least, and the approval of a second person.")
	case len(g.Purposes) == 0:
		return ErrPolicy.With("rules", "A grant names at least one purpose.")
	}
	for _, k := range g.Purposes {
		if !slices.Contains(PurposeKinds, k) {
			return ErrPolicy.With("rules", "purposes holds general, registerMethods, signIn and resetPin.")
		}
	}
	return nil
}
