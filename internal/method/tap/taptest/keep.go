package taptest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
)

// ended returns the ids of the passes that ended before before, at most limit.
func (b *bench) ended(t *testing.T, before time.Time, limit int) []string {
	t.Helper()
	passes, err := b.EndedPasses(t.Context(), b.tenant, before, limit)
	if err != nil {
		t.Fatalf("EndedPasses: %v", err)
	}
	var ids []string
	for _, p := range passes {
		ids = append(ids, p.ID)
	}
	return ids
}

func lists(t *testing.T, b *bench) {
	third := b.putFor(t, nine.Add(3*time.Hour))
	first := b.putFor(t, nine.Add(time.Hour))
	second := b.putFor(t, nine.Add(2*time.Hour))
	for _, c := range []struct {
		before time.Time
		limit  int
		want   []string
	}{
		{nine.Add(time.Hour), 10, nil},
		{nine.Add(time.Hour + time.Microsecond), 10, []string{first.ID}},
		{nine.Add(4 * time.Hour), 10, []string{first.ID, second.ID, third.ID}},
		{nine.Add(4 * time.Hour), 2, []string{first.ID, second.ID}},
	} {
		if got := b.ended(t, c.before, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("ended before %s, at most %d: %v, want %v", c.before, c.limit, got, c.want)
		}
	}
}

func notes(t *testing.T, b *bench) {
	p := b.putFor(t, nine)
	b.putFor(t, nine)
	later := nine.Add(time.Hour)
	for range 2 {
		if err := b.NoteExpiry(t.Context(), p, b.event()); err != nil {
			t.Fatalf("NoteExpiry: %v", err)
		}
	}
	b.wantEvents(t, 3) // two passes and one note
	if got := b.ended(t, later, 10); len(got) != 1 || got[0] == p.ID {
		t.Errorf("ended passes are %v, want the other one alone", got)
	}
	b.wantPass(t, p)
}

func notesRace(t *testing.T, b *bench) {
	p := b.putFor(t, nine)
	if ok := atOnce(t, 10, nil, func(int) error { return b.NoteExpiry(t.Context(), p, b.event()) }); ok != 10 {
		t.Errorf("%d of 10 calls succeeded", ok)
	}
	b.wantEvents(t, 2)
}

func removes(t *testing.T, b *bench) {
	end := nine.Add(time.Hour)
	p := b.put(t, nil) // ends then
	b.SignInWith(t, p)
	second := b.putFor(t, end.Add(time.Minute))
	stays := b.putFor(t, end.Add(time.Hour))
	var told []string
	remove := func(before time.Time, limit, want int) {
		t.Helper()
		told = nil
		n, err := b.RemoveEnded(t.Context(), b.tenant, before, limit, func(p tap.Pass) audit.Event {
			told = append(told, p.ID)
			return b.event()
		})
		if n != want || err != nil {
			t.Fatalf("RemoveEnded = %d, %v; want %d", n, err, want)
		}
	}
	remove(end, 10, 0)
	b.wantLiving(t, 1, 1)
	remove(stays.End(), 1, 1)
	if told[len(told)-1] != p.ID {
		t.Errorf("the event is about %v, want %s", told, p.ID)
	}
	b.wantNone(t, p.User)
	b.wantLiving(t, 0, 0)
	remove(stays.End(), 10, 1)
	b.wantNone(t, second.User)
	remove(stays.End(), 10, 0)
	b.wantPass(t, stays)
	b.wantEvents(t, 5) // three passes, two removals
}

func (b *bench) policy(t *testing.T) tap.Policy {
	t.Helper()
	p, err := b.PassPolicy(t.Context(), b.tenant)
	if err != nil {
		t.Fatalf("PassPolicy: %v", err)
	}
	return p
}

func defaultPolicy(t *testing.T, b *bench) {
	if got := b.policy(t); !reflect.DeepEqual(got, tap.DefaultPolicy()) {
		t.Errorf("PassPolicy = %+v, want the default", got)
	}
}

// SavePassPolicy saves p over the version that it has.
func (b *bench) SavePassPolicy(ctx context.Context, tenant directory.TenantID, p tap.Policy, e audit.Event) error {
	return b.SaveMethodPolicy(ctx, tenant, "TemporaryAccessPass", method.Revision{Version: p.Version, ModifiedAt: p.ModifiedAt}, p, e)
}

func savesPolicy(t *testing.T, b *bench) {
	for range 2 {
		want := b.policy(t)
		want.State, want.DefaultLength, want.UsableOnce, want.HideIssuer, want.NotifyPerson, want.IdentityCheck = "enabled", want.DefaultLength+1, true, true, true, tap.CheckRequired
		want.Include = []method.Target{{TargetType: "group", ID: uuid.NewString()}}
		want.ModifiedAt = nine
		if err := b.SavePassPolicy(t.Context(), b.tenant, want, b.event()); err != nil {
			t.Fatalf("SavePassPolicy: %v", err)
		}
		got := b.policy(t)
		if got.Version == want.Version {
			t.Errorf("the version is still %d", got.Version)
		}
		want.Version = got.Version
		if !reflect.DeepEqual(got, want) {
			t.Errorf("PassPolicy = %+v\nwant %+v", got, want)
		}
	}
	b.wantEvents(t, 2)
	if p, err := b.PassPolicy(t.Context(), directory.TenantID(uuid.NewString())); err != nil || p.Enabled() {
		t.Errorf("another tenant's policy is %+v, %v; want the default", p, err)
	}
}

func stalePolicy(t *testing.T, b *bench) {
	old := b.policy(t)
	for range 2 {
		p := b.policy(t)
		p.DefaultLength++
		if err := b.SavePassPolicy(t.Context(), b.tenant, p, b.event()); err != nil {
			t.Fatalf("SavePassPolicy: %v", err)
		}
		want := b.policy(t)
		ahead := want
		ahead.Version++
		for _, stale := range []tap.Policy{old, p, ahead} {
			stale.State = "enabled"
			if err := b.SavePassPolicy(t.Context(), b.tenant, stale, b.event()); !errors.Is(err, method.ErrPolicyChanged) {
				t.Errorf("SavePassPolicy of version %d over %d = %v, want ErrPolicyChanged", stale.Version, want.Version, err)
			}
		}
		if got := b.policy(t); !reflect.DeepEqual(got, want) {
			t.Errorf("PassPolicy = %+v\nwant %+v", got, want)
		}
	}
	b.wantEvents(t, 2)
}

func policyRace(t *testing.T, b *bench) {
	for _, what := range []string{"first", "second"} {
		p := b.policy(t)
		won := atOnce(t, 10, method.ErrPolicyChanged, func(int) error {
			return b.SavePassPolicy(t.Context(), b.tenant, p, b.event())
		})
		if won != 1 {
			t.Errorf("%d savers of the %s version won, want 1", won, what)
		}
	}
	b.wantEvents(t, 2)
}

func together(t *testing.T, b *bench) {
	p := b.put(t, nil)
	b.SignInWith(t, p)
	ctx, later := t.Context(), nine.Add(24*time.Hour)
	policy := b.policy(t)
	policy.State = "enabled"
	for name, call := range map[string]func() error{
		"PutPass":        func() error { return b.PutPass(ctx, b.pass(), b.broken()) },
		"DeletePass":     func() error { return b.DeletePass(ctx, b.tenant, b.user, p.ID, nine, b.broken()) },
		"NoteExpiry":     func() error { return b.NoteExpiry(ctx, p, b.broken()) },
		"SavePassPolicy": func() error { return b.SavePassPolicy(ctx, b.tenant, policy, b.broken()) },
		"RemoveEnded": func() error {
			_, err := b.RemoveEnded(ctx, b.tenant, later, 10, func(tap.Pass) audit.Event { return b.broken() })
			return err
		},
	} {
		if err := call(); err == nil {
			t.Errorf("%s succeeded without its event", name)
		}
	}
	b.wantPass(t, p)
	b.wantLiving(t, 1, 1)
	b.wantEvents(t, 1)
	if got := b.ended(t, later, 10); !slices.Equal(got, []string{p.ID}) {
		t.Errorf("passes without a noted expiry are %v, want %s", got, p.ID)
	}
	if b.policy(t).Enabled() {
		t.Error("the policy was saved without its event")
	}
}
