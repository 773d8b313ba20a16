package tap

import (
	"errors"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

func TestPresetsStayInsideThePolicy(t *testing.T) {
	minutes, many := func(n int) *int { return &n }, false
	day := func(d, hour int) time.Time { return time.Date(2026, 11, d, hour, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name   string
		preset Preset
		change func(*Policy, *Request)
		want   Pass // of which Start, Lifetime and SingleUse are compared
	}{
		{"recover a device", RecoverDevice, func(*Policy, *Request) {}, Pass{Start: nine, Lifetime: time.Hour, SingleUse: true}},
		{"recover a device where passes are longer", RecoverDevice, func(p *Policy, _ *Request) { p.MinimumLifetime, p.DefaultLifetime = 90, 90 }, Pass{Start: nine, Lifetime: 90 * time.Minute, SingleUse: true}},
		{"a new device", NewDevice, func(*Policy, *Request) {}, Pass{Start: nine, Lifetime: 4 * time.Hour}},
		{"a new device where passes are for one use", NewDevice, func(p *Policy, _ *Request) { p.UsableOnce = true }, Pass{Start: nine, Lifetime: 4 * time.Hour, SingleUse: true}},
		{"a new device where passes are short", NewDevice, func(p *Policy, _ *Request) { p.MaximumLifetime = 120 }, Pass{Start: nine, Lifetime: 2 * time.Hour}},
		{"a new employee, after eight: tomorrow, as long as the policy lets", NewEmployee, func(*Policy, *Request) {}, Pass{Start: day(3, 8), Lifetime: 8 * time.Hour, SingleUse: true}},
		{"a new employee where it is not eight yet", NewEmployee, func(_ *Policy, r *Request) { r.Tenant.TimeZone = "America/New_York" }, Pass{Start: day(2, 13), Lifetime: 8 * time.Hour, SingleUse: true}},
		{"a new employee with a day of hiring", NewEmployee, func(p *Policy, r *Request) { p.MaximumLifetime, r.User.EmployeeHireDate = 1440, day(16, 0) }, Pass{Start: day(16, 8), Lifetime: 10 * time.Hour, SingleUse: true}},
		{"a new employee who was hired long ago", NewEmployee, func(_ *Policy, r *Request) { r.User.EmployeeHireDate = nine.AddDate(-3, 0, 0) }, Pass{Start: day(3, 8), Lifetime: 8 * time.Hour, SingleUse: true}},
		{"what is asked for wins", NewEmployee, func(_ *Policy, r *Request) { r.Lifetime, r.Once, r.Start = minutes(60), &many, day(5, 7) }, Pass{Start: day(5, 7), Lifetime: time.Hour}},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := DefaultPolicy()
			policy.State = "enabled"
			r := Request{User: directory.User{ID: "sam", UserType: "Member"}, Tenant: directory.Tenant{TimeZone: "UTC"}, Preset: c.preset}
			c.change(&policy, &r)
			p, err := Decide(policy, r, nine)
			if err != nil || !p.Start.Equal(c.want.Start) || p.Lifetime != c.want.Lifetime || p.SingleUse != c.want.SingleUse {
				t.Errorf("got %v for %v, once %v, %v", p.Start, p.Lifetime, p.SingleUse, err)
			}
		})
	}
}

func TestChecksOfIdentity(t *testing.T) {
	for _, c := range []struct {
		name  string
		rule  CheckRule
		check IdentityCheck
		want  error
	}{
		{"none, and nobody asked", CheckOff, IdentityCheck{}, nil},
		{"none, and it is asked for", "", IdentityCheck{}, nil},
		{"none, and it is required", CheckRequired, IdentityCheck{}, ErrCheckMissing},
		{"a note alone is no check", CheckRequired, IdentityCheck{Note: "I know her"}, ErrCheck},
		{"in person", CheckRequired, IdentityCheck{How: CheckInPerson}, nil},
		{"in another way that is said", CheckRequired, IdentityCheck{How: CheckOther, Note: "badge over the counter"}, nil},
		{"in another way that is not said", CheckNoted, IdentityCheck{How: CheckOther, Note: "  "}, ErrCheck},
		{"in a way that nobody knows", CheckOff, IdentityCheck{How: "hunch"}, ErrCheck},
		{"a note that changes the direction of text", CheckNoted, IdentityCheck{How: CheckVideo, Note: "a\u202eb"}, ErrCheck},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := DefaultPolicy()
			policy.State, policy.IdentityCheck = "enabled", c.rule
			p, err := Decide(policy, Request{Check: c.check}, nine)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if c.want == nil && p.Check != c.check {
				t.Errorf("kept %+v", p.Check)
			}
		})
	}
	policy := DefaultPolicy()
	policy.IdentityCheck = "sometimes"
	if err := policy.Check(); !errors.Is(err, ErrPolicyInvalid) {
		t.Errorf("a rule that nobody knows: %v", err)
	}
}

func TestAnUnknownPresetIsRefused(t *testing.T) {
	policy := DefaultPolicy()
	policy.State = "enabled"
	if _, err := Decide(policy, Request{Preset: "party"}, nine); !errors.Is(err, ErrPreset) {
		t.Errorf("got %v", err)
	}
}
