package authenticator

import (
	"slices"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

// PolicyID is the id of Graph's configuration.
const PolicyID = "MicrosoftAuthenticator"

// A Policy says who may use phones, and what a request shows. Number matching has no switch.
// https://learn.microsoft.com/graph/api/resources/microsoftauthenticatorauthenticationmethodconfiguration
type Policy struct {
	method.Targets
	// SoftwareOATH lets the app keep one-time codes; these are package totp's.
	SoftwareOATH bool     `json:"isSoftwareOathEnabled"`
	Features     Features `json:"featureSettings"`
}

// Features are what a request shows.
type Features struct {
	Application Feature `json:"displayAppInformationRequiredState"`
	Location    Feature `json:"displayLocationInformationRequiredState"`
}

// A Feature is on for whom its targets say.
type Feature struct {
	State   string        `json:"state"` // default, enabled or disabled; the default is on
	Include FeatureTarget `json:"includeTarget"`
	Exclude FeatureTarget `json:"excludeTarget"`
}

// A FeatureTarget is a group, by object id, directory.AllUsers, or nobody.
type FeatureTarget struct {
	TargetType string `json:"targetType"`
	ID         string `json:"id"`
}

// Nobody is the id of a target that nobody is in.
const Nobody = "00000000-0000-0000-0000-000000000000"

// The modes of a target: what its people may approve with.
const (
	ModeAny  = "any"
	ModePush = "push"            // as one factor
	ModeUser = "deviceBasedPush" // only a phone that verifies its user
)

// DefaultPolicy is that of a new tenant: everybody may, and a request shows what it knows.
func DefaultPolicy() Policy {
	shown := Feature{
		State: "default", Include: FeatureTarget{TargetType: "group", ID: directory.AllUsers},
		Exclude: FeatureTarget{TargetType: "group", ID: Nobody},
	}
	targets := method.Everybody("enabled")
	targets.Include[0].AuthenticationMode = ModeAny
	return Policy{Targets: targets, Features: Features{shown, shown}}
}

// Mode returns what somebody in the given groups may approve with, or nothing when they may not
// use a phone at all. Of several targets the most liberal holds.
func (p Policy) Mode(groups map[directory.GroupID]bool) string {
	if !p.InScope(groups) {
		return ""
	}
	var modes []string
	for _, t := range p.Include {
		if t.ID != directory.AllUsers && !groups[directory.GroupID(t.ID)] {
			continue
		}
		if t.AuthenticationMode == "" || t.AuthenticationMode == ModeAny {
			return ModeAny
		}
		modes = append(modes, t.AuthenticationMode)
	}
	if slices.Contains(modes, ModePush) && slices.Contains(modes, ModeUser) {
		return ModeAny
	}
	return modes[0]
}

// Shown reports whether f is on for somebody in the given groups.
func (f Feature) Shown(groups map[directory.GroupID]bool) bool {
	in := func(t FeatureTarget) bool { return t.ID == directory.AllUsers || groups[directory.GroupID(t.ID)] }
	return f.State != "disabled" && in(f.Include) && !in(f.Exclude)
}

// Check reports the first rule that p breaks, naming property and allowed values.
func (p Policy) Check() error {
	if err := p.Targets.Check(); err != nil {
		return err
	}
	for _, t := range p.Include {
		if !slices.Contains([]string{"", ModeAny, ModePush, ModeUser}, t.AuthenticationMode) {
			return method.ErrPolicy.With("includeTargets", "authenticationMode is any, push or deviceBasedPush.")
		}
	}
	for name, f := range map[string]Feature{
		"displayAppInformationRequiredState": p.Features.Application, "displayLocationInformationRequiredState": p.Features.Location,
	} {
		if err := f.check("featureSettings/" + name); err != nil {
			return err
		}
	}
	return nil
}

func (f Feature) check(name string) error {
	if !slices.Contains([]string{"default", "enabled", "disabled"}, f.State) {
		return method.ErrPolicy.With(name, name+"/state is default, enabled or disabled.")
	}
	for _, t := range []FeatureTarget{f.Include, f.Exclude} {
		if t.TargetType != "group" || t.ID != directory.AllUsers && !directory.IsID(t.ID) {
			return method.ErrPolicy.With(name, "A target of "+name+" is a group, by its id, or all_users.")
		}
	}
	return nil
}
