package drill

import (
	"context"
	"errors"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/signin"
)

var _ signin.Practice = Service{}

// Rehearse implements [signin.Practice].
func (s Service) Rehearse(ctx context.Context, a signin.Attempt) (signin.Rehearsal, error) {
	p, err := s.Store.OpenPractice(ctx, a.Tenant, a.User, a.At)
	if errors.Is(err, ErrNoneOpen) {
		return signin.Rehearsal{}, errWrong
	}
	if err != nil {
		return signin.Rehearsal{}, err
	}
	got, err := s.hash(ctx, p, a.Typed)
	if err != nil {
		return signin.Rehearsal{}, err
	}
	if !equal(got, p.Hash) {
		return signin.Rehearsal{}, errWrong
	}
	would, err := s.would(ctx, a)
	if _, ok := errors.AsType[*fault.Error](err); ok {
		err = nil // Finish says so
	}
	return signin.Rehearsal{ID: p.Drill, Would: would}, err
}

// would is the proof that a pass of the person would be, or the fault that says why there can be none.
func (s Service) would(ctx context.Context, a signin.Attempt) (*signin.Proof, error) {
	policy, err := s.Passes.PassPolicy(ctx, a.Tenant)
	if err != nil {
		return nil, err
	}
	tenant, err := s.People.Tenant(ctx, a.Tenant)
	if err != nil {
		return nil, err
	}
	u, err := s.People.User(ctx, a.Tenant, a.User)
	if err != nil {
		return nil, err
	}
	groups, err := s.People.GroupsOf(ctx, a.Tenant, string(a.User))
	if err != nil {
		return nil, err
	}
	return would(policy, tap.Request{User: u, Tenant: tenant, Groups: groups}, a.At)
}

// Finish implements [signin.Practice].
func (s Service) Finish(ctx context.Context, a signin.Attempt, r signin.Rehearsal, said signin.Foreseen) (*signin.Rehearsed, error) {
	p, err := s.Store.OpenPractice(ctx, a.Tenant, a.User, a.At)
	if errors.Is(err, ErrNoneOpen) || err == nil && p.Drill != r.ID {
		err = ErrChanged
	}
	if err != nil {
		return nil, err
	}
	f := Facts{Where: p.Where, Now: a.At, Said: said}
	if r.Would != nil {
		f.Would = *r.Would
	} else if _, f.Issue = s.would(ctx, a); f.Issue == nil {
		return nil, ErrChanged
	} else if _, ok := errors.AsType[*fault.Error](f.Issue); !ok {
		return nil, f.Issue
	}
	if f.Device, err = s.device(ctx, a); err != nil {
		return nil, err
	}
	p.Steps, p.DoneAt, p.From, p.Device = f.Steps(), a.At, a.Place.Address.String(), a.Device.Name()
	p.Tries, p.TookMS = p.Tries+1, a.At.Sub(p.ShownAt).Milliseconds()
	if err := s.beginTrial(ctx, &p, f.Device, a.At); err != nil {
		return nil, err
	}
	var e audit.Event
	if p.Trial == nil {
		e = p.finish(a.At, a.CorrelationID)
	} else { // until the device answers it failed, for that reason
		p.State, e = Failed, p.practised(audit.DrillTrialBegun, a.At, a.CorrelationID)
	}
	if err := s.Store.SavePractice(ctx, p, e); err != nil {
		return nil, err
	}
	return p.told(), nil
}

// device gathers what is known of the device of a.
func (s Service) device(ctx context.Context, a signin.Attempt) (*DeviceFacts, error) {
	if a.Device == nil {
		return nil, nil //nolint:nilnil // a browser
	}
	d, err := s.Devices.Device(ctx, a.Tenant, a.Device.ID)
	if errors.Is(err, directory.ErrDeviceUnknown) {
		return nil, nil //nolint:nilnil // it went meanwhile
	}
	if err != nil {
		return nil, err
	}
	f := &DeviceFacts{Device: d, Seen: a.Device}
	if f.UpToDate, err = s.Devices.UpToDate(ctx, a.Tenant, d.ID, a.At); err != nil {
		return nil, err
	}
	f.PIN, err = s.Devices.PINSettings(ctx, d, a.User)
	return f, err
}
