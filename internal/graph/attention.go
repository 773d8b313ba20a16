package graph

import (
	"errors"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/report"
)

// Health is what a server says of itself.
type Health struct {
	Clock           string    // code of what is wrong with its clock; empty when it is right
	Disk            string    // code of what is wrong with its disk
	CertificateEnds time.Time // zero when it renews its own, or has none
}

// mostSubjects bounds how many of a kind attention looks at.
const mostSubjects = 5

func isGone(err error) bool {
	return errors.Is(err, directory.ErrUserUnknown) || errors.Is(err, directory.ErrDeviceUnknown)
}

// attention serves GET /postern/attention: what needs somebody now, worst first. Who may not read
// a thing itself is not told of it.
func (a *API) attention(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	now := a.Now()
	facts, err := a.attentionFacts(c, now)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection("postern/attention", nil), Value: []odata.Entity{}}
	for _, i := range report.Attention(facts, now) {
		if may, ok := attentionActions[i.Kind]; ok && directory.May(c.caller, may, directory.Target{}) != nil {
			continue
		}
		if i.Kind == report.RefusedPasses {
			told, err := a.mayKnowTries(c, directory.UserID(i.ID))
			if err != nil {
				return err
			}
			if !told {
				continue
			}
		}
		page.Value = append(page.Value, itemResource(i))
	}
	return odata.WritePage(c.w, page)
}

// mayKnowTries reports whether the caller reads the log, or helps this person, so that they may
// know of somebody's tries to sign in.
func (a *API) mayKnowTries(c *call, user directory.UserID) (bool, error) {
	if directory.May(c.caller, directory.ReadSignIns, directory.Target{}) == nil {
		return true, nil
	}
	target, err := a.Store.TargetOf(c.ctx(), c.tenant.ID, user)
	return err == nil && directory.May(c.caller, directory.ReadHistory, target) == nil, err
}

// attentionActions are what somebody must be allowed to be told of a kind.
var attentionActions = map[string]directory.Action{
	report.ServerClock: directory.ReadAudits, report.ServerDisk: directory.ReadAudits, report.LogUnsealed: directory.ReadAudits,
	report.CertificateEnds: directory.ReadAudits, report.MailGivenUp: directory.ReadAudits, report.JobsGivenUp: directory.ReadJobs,
	report.FewAdministrators: directory.ReadRoles, report.Starts: directory.ReadUser,
	report.DeviceWithoutGlobe: directory.ReadDevices, report.DevicesWithoutGlobe: directory.ReadDevices, report.DevicesWaiting: directory.ReadDevices,
}

func (a *API) attentionFacts(c *call, now time.Time) (f report.Facts, err error) {
	tenant := string(c.tenant.ID)
	if f.People, err = a.Store.CensusCounts(c.ctx(), tenant, report.People); err != nil {
		return f, err
	}
	if f.Devices, err = a.Store.CensusCounts(c.ctx(), tenant, report.Devices); err != nil {
		return f, err
	}
	if f.Refused, err = a.Store.RefusedOften(c.ctx(), c.tenant.ID, now.Add(-report.Lately), mostSubjects); err != nil {
		return f, err
	}
	today := time.Time(report.DayOf(now, c.tenant.Location()))
	if f.Starters, err = a.Store.Starters(c.ctx(), c.tenant.ID, today, now.Add(report.StartsWithin), now, mostSubjects); err != nil {
		return f, err
	}
	if f.Waiting, err = a.Store.Waiting(c.ctx(), c.tenant.ID, now); err != nil {
		return f, err
	}
	if a.Health != nil {
		health := a.Health()
		f.Clock, f.Disk, f.CertificateEnds = health.Clock, health.Disk, health.CertificateEnds
	}
	f.Globeless, err = a.globeless(c)
	return f, err
}

// globeless are devices whose web sign-in does not show, a few of them.
func (a *API) globeless(c *call) ([]report.Subject, error) {
	var all []report.Subject
	for _, state := range report.DeviceStates(report.DeviceNoWebSignIn) {
		ids, err := a.Store.CensusList(c.ctx(), string(c.tenant.ID), report.Devices, state, "", mostSubjects)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			d, err := a.Store.Device(c.ctx(), c.tenant.ID, directory.DeviceObjectID(id))
			if isGone(err) {
				continue
			}
			if err := listed(err); err != nil {
				return nil, err
			}
			all = append(all, report.Subject{ID: id, Name: d.DisplayName, At: d.SeenAt})
		}
	}
	return all, nil
}

// targets are what items lead to: a resource that the caller can read.
func targetOf(i report.Item) odata.Entity {
	switch i.Kind {
	case report.RefusedPasses, report.Starts:
		return odata.Entity{{Name: "type", Value: "user"}, {Name: "id", Value: i.ID}}
	case report.DeviceWithoutGlobe:
		return odata.Entity{{Name: "type", Value: "device"}, {Name: "id", Value: i.ID}}
	case report.PeopleLocked, report.AdministratorsLocked:
		return odata.Entity{{Name: "type", Value: "peopleReport"}, {Name: "id", Value: "none"}}
	case report.DevicesWithoutGlobe, report.DevicesWaiting:
		state := report.DeviceNoWebSignIn
		if i.Kind == report.DevicesWaiting {
			state = report.DevicePending
		}
		return odata.Entity{{Name: "type", Value: "devicesReport"}, {Name: "id", Value: state}}
	case report.FewAdministrators:
		return odata.Entity{{Name: "type", Value: "roleDefinition"}, {Name: "id", Value: directory.GlobalAdministrator}}
	case report.MailGivenUp:
		return odata.Entity{{Name: "type", Value: "mails"}, {Name: "id", Value: nil}}
	case report.JobsGivenUp:
		return odata.Entity{{Name: "type", Value: "jobs"}, {Name: "id", Value: nil}}
	case report.LogUnsealed:
		return odata.Entity{{Name: "type", Value: "log"}, {Name: "id", Value: nil}}
	}
	return odata.Entity{{Name: "type", Value: "server"}, {Name: "id", Value: nil}}
}

func itemResource(i report.Item) odata.Entity {
	return odata.Entity{
		{Name: "kind", Value: i.Kind},
		{Name: "severity", Value: i.Severity.String()},
		{Name: "count", Value: i.Count},
		{Name: "administratorCount", Value: i.Part},
		{Name: "displayName", Value: text(i.Name)},
		{Name: "managerDisplayName", Value: text(i.With)},
		{Name: "dateTime", Value: odata.Time(i.At)},
		{Name: "errorCode", Value: text(i.Code)},
		{Name: "target", Value: targetOf(i)},
	}
}
