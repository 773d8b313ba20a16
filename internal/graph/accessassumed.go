package graph

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
)

// ErrAssumed reports a sign-in that can't be assumed as it was described.
var ErrAssumed = &fault.Error{Kind: fault.Invalid, Code: "accessAssumed", Text: "A sign-in can't be assumed like this."}

// mostAppsTried is how many applications one question may be about.
const mostAppsTried = 20

// An assumed sign-in is what somebody asks "what if" about.
type assumed struct {
	request   access.Request
	apps      []string // all that are asked about; request has the first
	deviceID  string
	compliant *bool
	device    *directory.Device // as described
}

// readAssumed reads the members that Graph has for it.
// https://learn.microsoft.com/graph/api/conditionalaccessroot-evaluate
func (a *API) readAssumed(c *call, body *odata.Object) (access.Request, []directory.AppID, error) {
	in := assumed{request: access.Request{At: a.Now().UTC()}}
	user, principal, external := "", "", ""
	part(body, "signInIdentity", &in, func(o *odata.Object, _ *assumed) {
		o.String("userId", &user)
		o.String("servicePrincipalId", &principal)
		o.String("externalUserType", &external)
		noneOf(o, "externalTenantId")
	})
	part(body, "signInContext", &in, readSignInContext)
	part(body, "signInConditions", &in, readSignInConditions)
	if err := body.Done(); err != nil {
		return in.request, nil, err
	}
	if err := in.plausible(user, principal); err != nil {
		return in.request, nil, err
	}
	var err error
	if principal != "" {
		in.request.Subject.Workload = directory.ServicePrincipalID(strings.ToLower(principal))
		_, err = a.Store.ServicePrincipal(c.ctx(), c.tenant.ID, in.request.Subject.Workload)
	} else {
		in.request.Subject, err = a.subject(c, user)
		in.request.Subject.Guest = in.request.Subject.Guest || external != "" && external != "none"
	}
	if err != nil {
		return in.request, nil, err
	}
	if err := a.assumeTravel(c, &in.request); err != nil {
		return in.request, nil, err
	}
	return in.request, appIDs(in.apps), a.assumeDevice(c, &in)
}

// assumeTravel is the risk of somebody who signs in now at the address, unless a risk was named: a
// way that nobody travels since their last sign-in.
func (a *API) assumeTravel(c *call, r *access.Request) error {
	allowed := directory.May(c.caller, directory.ReadSignIns, directory.Target{}) == nil // it tells where somebody is
	if a.Spots == nil || r.SignInRisk != "" || r.Subject.User == "" || !r.Address.IsValid() || !allowed {
		return nil
	}
	latitude, longitude, radius, ok := a.Spots.Spot(r.Address)
	if !ok {
		return nil
	}
	there, err := a.accessRules(c)
	if err != nil {
		return err
	}
	exits, err := access.Exits(there.Locations)
	if err != nil || exits.Has(r.Address) {
		return err
	}
	last, known, err := a.Store.LastSeen(c.ctx(), c.tenant.ID, r.Subject.User)
	if known && last.Impossible(access.Coordinates{Latitude: latitude, Longitude: longitude, Radius: radius}, r.At) {
		r.SignInRisk = access.RiskMedium
	}
	return err
}

func appIDs(all []string) []directory.AppID {
	var out []directory.AppID
	for _, one := range all {
		out = append(out, directory.AppID(one))
	}
	return out
}

// plausible refuses what no sign-in can be.
func (in assumed) plausible(user, principal string) error {
	r := in.request
	switch {
	case (user == "") == (principal == ""):
		return ErrAssumed.With("signInIdentity", "signInIdentity has a userId or a servicePrincipalId.")
	case r.App == "" && r.Action == "" && r.Context == "", len(in.apps) > mostAppsTried:
		return ErrAssumed.With("signInContext", fmt.Sprintf("signInContext has up to %d applications, a user action or an authentication context.", mostAppsTried))
	case r.Action == "unknown":
		return ErrAssumed.With("signInContext/userAction", "A userAction is registerSecurityInformation or registerOrJoinDevices.")
	}
	for _, risk := range []access.Risk{r.UserRisk, r.SignInRisk, r.WorkloadRisk} {
		if !slices.Contains([]access.Risk{"", access.RiskNone, access.RiskLow, access.RiskMedium, access.RiskHigh}, risk) {
			return ErrAssumed.With("signInConditions", fmt.Sprintf("%q is no level of risk.", risk))
		}
	}
	return nil
}

func readSignInContext(o *odata.Object, in *assumed) {
	ids(o, "includeApplications", &in.apps)
	if len(in.apps) > 0 {
		in.request.App = directory.AppID(in.apps[0])
	}
	action := ""
	o.String("userAction", &action)
	switch action {
	case "":
	case "registerSecurityInformation":
		in.request.Action = access.RegisterSecurityInfo
	case "registerOrJoinDevices":
		in.request.Action = access.RegisterDevice
	default:
		in.request.Action = "unknown"
	}
	o.String("authenticationContextValue", &in.request.Context)
}

func readSignInConditions(o *odata.Object, in *assumed) {
	r := &in.request
	o.String("devicePlatform", &r.Platform)
	o.String("clientAppType", &r.Client)
	o.String("country", &r.Country)
	r.Country = strings.ToUpper(r.Country)
	address := ""
	o.String("ipAddress", &address)
	r.Address, _ = netip.ParseAddr(address)
	readRisk(o, "signInRiskLevel", &r.SignInRisk)
	readRisk(o, "userRiskLevel", &r.UserRisk)
	readRisk(o, "servicePrincipalRiskLevel", &r.WorkloadRisk)
	insider := ""
	o.String("insiderRiskLevel", &insider) // no policy here asks for it
	part(o, "authenticationFlow", r, func(o *odata.Object, r *access.Request) { o.String("transferMethod", &r.Flow) })
	for _, word := range []*string{&r.Platform, &r.Client, &r.Flow} {
		if *word == "all" || *word == "none" { // Graph's words for what is not said
			*word = ""
		}
	}
	part(o, "deviceInfo", in, readDeviceInfo)
}

func readRisk(o *odata.Object, name string, into *access.Risk) {
	level := ""
	o.String(name, &level)
	*into = access.Risk(level)
}

func readDeviceInfo(o *odata.Object, in *assumed) {
	var d directory.Device
	for name, into := range map[string]*string{
		"displayName": &d.DisplayName, "manufacturer": &d.Manufacturer, "model": &d.Model, "operatingSystem": &d.OperatingSystem,
		"operatingSystemVersion": &d.OperatingSystemVersion,
	} {
		o.String(name, into)
	}
	trust := ""
	o.String("trustType", &trust)
	d.TrustType = directory.TrustType(trust)
	o.String("deviceId", &in.deviceID)
	if o.Has("isCompliant") && !o.IsNull("isCompliant") {
		in.compliant = new(bool)
		o.Bool("isCompliant", in.compliant)
	}
	ignored := ""
	for _, name := range []string{"ownership", "profileType"} { // they follow from the others
		o.String(name, &ignored)
	}
	noneOf(o, "enrollmentProfileName", "mdmAppId", "physicalIds", "systemLabels")
	for i := range 15 {
		noneOf(o, fmt.Sprintf("extensionAttribute%d", i+1))
	}
	d.DeviceID, d.AccountEnabled = in.deviceID, true
	in.device = &d
}

// assumeDevice is the device that the directory has, else the one that was described.
func (a *API) assumeDevice(c *call, in *assumed) error {
	if in.device == nil {
		return nil
	}
	found, err := a.accessDevice(c, strings.ToLower(in.deviceID))
	if err != nil {
		return err
	}
	if found == nil {
		found = &access.Device{Device: *in.device}
	}
	if in.compliant != nil {
		found.Compliant = *in.compliant
	}
	in.request.Device = found
	return nil
}

// subject is a person, by id or name, with all groups and roles.
func (a *API) subject(c *call, key string) (access.Subject, error) {
	var user directory.User
	var err error
	if directory.IsID(key) {
		user, err = a.Store.User(c.ctx(), c.tenant.ID, directory.UserID(strings.ToLower(key)))
	} else {
		user, err = a.Store.UserByName(c.ctx(), c.tenant.ID, key)
	}
	if err != nil {
		return access.Subject{}, err
	}
	s := access.Subject{User: user.ID, Guest: user.UserType == "Guest"}
	groups, err := a.Store.GroupsOf(c.ctx(), c.tenant.ID, string(user.ID))
	if err != nil {
		return s, err
	}
	s.Groups = slices.Sorted(maps.Keys(groups))
	s.Roles, err = a.Store.RolesOf(c.ctx(), c.tenant.ID, string(user.ID))
	return s, err
}

// readProofs reads the proofs that are assumed, in the words of authentication strengths.
func readProofs(body *odata.Object, now time.Time) []access.Proof {
	var all []access.Proof
	for _, o := range body.Objects("proofs") {
		p := access.Proof{At: now}
		way, minutes := "", 0
		o.String("method", &way)
		o.String("aaguid", &p.AAGUID)
		o.Int("minutesAgo", &minutes)
		p.Mode, _ = access.ParseModes(way)
		p.At = now.Add(-time.Duration(min(max(minutes, 0), 1<<20)) * time.Minute)
		all = append(all, p)
	}
	return all
}
