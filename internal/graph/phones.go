package graph

import (
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/signin"
)

// phones are the phones with the authenticator app.
// https://learn.microsoft.com/graph/api/resources/microsoftauthenticatorauthenticationmethod
var phones = credentialSet{
	segment: "microsoftAuthenticatorMethods", kind: authenticator.MethodID, odataType: "microsoftAuthenticatorAuthenticationMethod",
	read: directory.ReadPhone, remove: directory.DeletePhone, policy: authenticator.PolicyID, second: "push",
	yield: func(c method.Credential, p methodPolicy, groups map[directory.GroupID]bool) signin.Yield {
		phone, err := authenticator.PhoneOf(c)
		if err != nil {
			return signin.Yield{}
		}
		if policy, ok := p.(*phonePolicy); ok {
			return phone.Yield(policy.Mode(groups))
		}
		phone.FrozenAt = time.Time{}
		return phone.Yield(authenticator.ModeAny)
	},
	names: func(c method.Credential) []string {
		if p, err := authenticator.PhoneOf(c); err == nil && p.Verifies {
			return []string{"microsoftAuthenticatorPush", "microsoftAuthenticatorPasswordless"}
		}
		return []string{"microsoftAuthenticatorPush"}
	},
	own: func(c method.Credential) (odata.Entity, error) {
		c.Kind = authenticator.MethodID
		p, err := authenticator.PhoneOf(c)
		return odata.Entity{
			{Name: "displayName", Value: c.Name},
			{Name: "deviceTag", Value: textOrNull(p.System)},
			{Name: "phoneAppVersion", Value: textOrNull(p.Version)},
			{Name: "postern_verifiesUser", Value: p.Verifies, OnSelect: true},
		}, err
	},
}

// phonePolicy is the policy of the authenticator app.
// https://learn.microsoft.com/graph/api/resources/microsoftauthenticatorauthenticationmethodconfiguration
type phonePolicy struct{ authenticator.Policy }

func freshPhonePolicy() methodPolicy { return &phonePolicy{authenticator.DefaultPolicy()} }

func (p *phonePolicy) shared() *method.Targets { return &p.Targets }

// The names of the settings of a request.
const (
	showApplication = "displayAppInformationRequiredState"
	showLocation    = "displayLocationInformationRequiredState"
)

func (p *phonePolicy) own() odata.Entity {
	return odata.Entity{
		{Name: "isSoftwareOathEnabled", Value: p.SoftwareOATH},
		{Name: "featureSettings", Value: odata.Entity{
			{Name: showApplication, Value: featureResource(p.Features.Application)},
			{Name: showLocation, Value: featureResource(p.Features.Location)},
		}},
	}
}

func featureResource(f authenticator.Feature) odata.Entity {
	target := func(t authenticator.FeatureTarget) odata.Entity {
		return odata.Entity{{Name: "targetType", Value: t.TargetType}, {Name: "id", Value: t.ID}}
	}
	return odata.Entity{{Name: "state", Value: f.State}, {Name: "includeTarget", Value: target(f.Include)}, {Name: "excludeTarget", Value: target(f.Exclude)}}
}

func (p *phonePolicy) read(body *odata.Object) {
	body.Bool("isSoftwareOathEnabled", &p.SoftwareOATH)
	settings := body.Object("featureSettings")
	if settings == nil {
		return
	}
	// Number matching is always on; Entra took the switch away, too.
	settings.NotKept("companionAppAllowedState")
	readFeature(settings.Object(showApplication), &p.Features.Application)
	readFeature(settings.Object(showLocation), &p.Features.Location)
}

func readFeature(in *odata.Object, f *authenticator.Feature) {
	if in == nil {
		return
	}
	in.String("state", &f.State)
	for name, t := range map[string]*authenticator.FeatureTarget{"includeTarget": &f.Include, "excludeTarget": &f.Exclude} {
		if target := in.Object(name); target != nil {
			target.String("targetType", &t.TargetType)
			target.String("id", &t.ID)
		}
	}
}
