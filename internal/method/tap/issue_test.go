package tap

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
)

func faultOf(err error) *fault.Error {
	f, _ := errors.AsType[*fault.Error](err)
	return f
}

func TestDecide(t *testing.T) {
	minutes := func(n int) *int { return &n }
	yes, no := true, false
	for _, c := range []struct {
		name   string
		change func(*Policy, *Request)
		want   error // nil when there is a pass
		check  func(Pass) bool
	}{
		{
			"nothing is asked for", func(*Policy, *Request) {}, nil,
			func(p Pass) bool {
				return p.Start.Equal(nine) && p.Lifetime == time.Hour && !p.SingleUse && p.CreatedAt.Equal(nine)
			},
		},
		{"the policy is off", func(p *Policy, _ *Request) { p.State = "disabled" }, ErrPolicyOff, nil},
		{"an external guest", func(_ *Policy, r *Request) { r.User.UserType, r.User.CreationType = "Guest", "Invitation" }, ErrExternalGuest, nil},
		{"an internal guest", func(_ *Policy, r *Request) { r.User.UserType = "Guest" }, nil, nil},
		{"out of scope", func(p *Policy, _ *Request) { p.Include = nil }, ErrOutOfScope, nil},
		{"in an excluded group", func(p *Policy, _ *Request) { p.Exclude = []method.Target{{ID: "staff"}} }, ErrOutOfScope, nil},

		{"a reason of 256 characters", func(_ *Policy, r *Request) { r.Reason = strings.Repeat("ü", 256) }, nil, nil},
		{"a reason of 257 characters", func(_ *Policy, r *Request) { r.Reason = strings.Repeat("ü", 257) }, ErrNote, nil},
		{"a reason with a line break", func(_ *Policy, r *Request) { r.Reason = "a\nb" }, ErrNote, nil},
		{"a reason that changes the direction of text", func(_ *Policy, r *Request) { r.Reason = "a\u202eb" }, ErrNote, nil},
		{"a ticket that is no UTF-8", func(_ *Policy, r *Request) { r.Ticket = "\xff" }, ErrNote, nil},

		{"the minimum", func(_ *Policy, r *Request) { r.Lifetime = minutes(60) }, nil, nil},
		{"below the minimum", func(_ *Policy, r *Request) { r.Lifetime = minutes(59) }, ErrLifetime, nil},
		{"the maximum", func(_ *Policy, r *Request) { r.Lifetime = minutes(480) }, nil, func(p Pass) bool { return p.Lifetime == 8*time.Hour }},
		{"above the maximum", func(_ *Policy, r *Request) { r.Lifetime = minutes(481) }, ErrLifetime, nil},
		{"no lifetime at all", func(_ *Policy, r *Request) { r.Lifetime = minutes(0) }, ErrLifetime, nil},

		{"one use is asked for", func(_ *Policy, r *Request) { r.Once = &yes }, nil, func(p Pass) bool { return p.SingleUse }},
		{"one use is the policy", func(p *Policy, _ *Request) { p.UsableOnce = true }, nil, func(p Pass) bool { return p.SingleUse }},
		{"many uses against the policy", func(p *Policy, r *Request) { p.UsableOnce, r.Once = true, &no }, ErrOnceOnly, nil},

		{
			"a start five minutes ago counts as now", func(_ *Policy, r *Request) { r.Start = nine.Add(-5 * time.Minute) }, nil,
			func(p Pass) bool { return p.Start.Equal(nine) },
		},
		{"a start earlier than that", func(_ *Policy, r *Request) { r.Start = nine.Add(-5*time.Minute - 1) }, ErrStart, nil},
		{
			"a start a year ahead", func(_ *Policy, r *Request) { r.Start = nine.Add(furthestStart) }, nil,
			func(p Pass) bool { return p.Start.Equal(nine.Add(furthestStart)) },
		},
		{"a start further ahead", func(_ *Policy, r *Request) { r.Start = nine.Add(furthestStart + 1) }, ErrStart, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := DefaultPolicy()
			policy.State = "enabled"
			r := Request{User: directory.User{ID: "sam", UserType: "Member"}, Groups: map[directory.GroupID]bool{"staff": true}}
			c.change(&policy, &r)
			p, err := Decide(policy, r, nine)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if c.check != nil && !c.check(p) {
				t.Errorf("got %+v", p)
			}
		})
	}
}
