package signintest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

func (b *bench) wantFamiliar(t *testing.T, user directory.UserID, place string, want bool) {
	t.Helper()
	if _, got, err := b.Familiar(t.Context(), b.tenant, user, place); got != want || err != nil {
		t.Errorf("Familiar(%s) = %t, %v; want %t", place, got, err, want)
	}
}

func familiar(t *testing.T, b *bench) {
	b.wantFamiliar(t, b.user.ID, "place", false)
	for range 2 {
		b.signIn(t, nine)
		b.wantFamiliar(t, b.user.ID, "place", true)
	}
	b.wantFamiliar(t, b.user.ID, "other", false)
	b.wantFamiliar(t, b.addUser(t, "Mia").ID, "place", false)
	if _, got, err := b.Familiar(t.Context(), directory.TenantID(uuid.NewString()), b.user.ID, "place"); got || err != nil {
		t.Errorf("Familiar in another tenant = %t, %v; want false", got, err)
	}
	for _, step := range []struct{ used, want signin.MethodID }{{"passkey", "passkey"}, {"", "passkey"}, {"otc", "otc"}} {
		c := b.completion(b.accepted(t, nil))
		c.Method = step.used
		if _, err := b.Complete(t.Context(), c); err != nil {
			t.Fatalf("Complete: %v", err)
		}
		if last, _, err := b.Familiar(t.Context(), b.tenant, b.user.ID, "place"); last != step.want || err != nil {
			t.Errorf("after %q the last method is %q, %v; want %q", step.used, last, err, step.want)
		}
	}
	for _, c := range []struct {
		tenant directory.TenantID
		place  string
		want   bool
	}{{b.tenant, "place", true}, {b.tenant, "other", false}, {directory.TenantID(uuid.NewString()), "place", false}} {
		if got, err := b.FamiliarToAnybody(t.Context(), c.tenant, c.place); got != c.want || err != nil {
			t.Errorf("FamiliarToAnybody(%s, %s) = %t, %v; want %t", c.tenant, c.place, got, err, c.want)
		}
	}
}

func unfamiliar(t *testing.T, b *bench) {
	c := b.completion(b.accepted(t, nil))
	c.PlaceHash = ""
	if _, err := b.Complete(t.Context(), c); err != nil {
		t.Fatalf("Complete: %v", err)
	}
	b.wantFamiliar(t, b.user.ID, "", false)
}

func sessionLives(t *testing.T, b *bench) {
	s := b.signIn(t, nine)
	b.wantAlive(t, s.ID, nine)
	b.wantAlive(t, s.ID, s.ExpiresAt.Add(-time.Microsecond))
	b.wantGone(t, s.ID, "secret", s.ExpiresAt)
	b.wantGone(t, s.ID, "wrong", nine)
	b.wantGone(t, s.ID, "", nine)
	b.wantGone(t, uuid.NewString(), "secret", nine)
	b.tenant = directory.TenantID(uuid.NewString())
	b.wantGone(t, s.ID, "secret", nine)
}

func sessionOfDisabled(t *testing.T, b *bench) {
	s := b.signIn(t, nine)
	b.SetEnabled(t, b.tenant, b.user.ID, false)
	b.wantGone(t, s.ID, "secret", nine)
	b.SetEnabled(t, b.tenant, b.user.ID, true)
	b.wantAlive(t, s.ID, nine)
	b.RemoveUser(t, b.tenant, b.user.ID)
	b.wantGone(t, s.ID, "secret", nine)
}

func sessionEndsWithPass(t *testing.T, b *bench) {
	pass := b.addPass(t, false)
	c := b.completion(b.accepted(t, pass))
	if _, err := b.Complete(t.Context(), c); err != nil {
		t.Fatalf("Complete: %v", err)
	}
	other := b.signIn(t, nine)
	b.DeletePass(t, b.tenant, b.user.ID, pass.ID)
	b.wantGone(t, c.Session.ID, "secret", nine)
	b.wantAlive(t, other.ID, nine)
}

func sessionFromBefore(t *testing.T, b *bench) {
	before := b.signIn(t, nine.Add(-time.Microsecond))
	if err := b.EndSessions(t.Context(), b.tenant, b.user.ID, "", nine, b.event()); err != nil {
		t.Fatalf("EndSessions: %v", err)
	}
	after := b.signIn(t, nine)
	b.wantGone(t, before.ID, "secret", nine)
	b.wantAlive(t, after.ID, nine)
}

// list returns the ids of the sessions that live at at.
func (b *bench) list(t *testing.T, at time.Time) []string {
	t.Helper()
	sessions, err := b.Sessions(t.Context(), b.tenant, b.user.ID, at)
	if err != nil {
		t.Fatalf("Sessions: %v", err)
	}
	var ids []string
	for _, s := range sessions {
		ids = append(ids, s.ID)
	}
	return ids
}

func (b *bench) end(t *testing.T, id string) {
	t.Helper()
	if err := b.EndSessions(t.Context(), b.tenant, b.user.ID, id, nine.Add(time.Hour), b.event()); err != nil {
		t.Fatalf("EndSessions: %v", err)
	}
}

func (b *bench) wantFamilies(t *testing.T, want int) {
	t.Helper()
	if got := b.LivingFamilies(t, b.tenant, b.user.ID); got != want {
		t.Errorf("%d token families live, want %d", got, want)
	}
}

func sessionsListed(t *testing.T, b *bench) {
	second := b.signIn(t, nine.Add(time.Hour))
	first := b.signIn(t, nine)
	third := b.signIn(t, nine.Add(2*time.Hour))
	if got, want := b.list(t, nine), []string{third.ID, second.ID, first.ID}; !slices.Equal(got, want) {
		t.Errorf("Sessions = %v, want %v", got, want)
	}
	if got, want := b.list(t, first.ExpiresAt), []string{third.ID, second.ID}; !slices.Equal(got, want) {
		t.Errorf("Sessions after the first expired = %v, want %v", got, want)
	}
	b.end(t, second.ID)
	if got, want := b.list(t, nine), []string{third.ID, first.ID}; !slices.Equal(got, want) {
		t.Errorf("Sessions after one ended = %v, want %v", got, want)
	}
}

func endsOne(t *testing.T, b *bench) {
	ends, stays := b.signIn(t, nine), b.signIn(t, nine)
	for _, session := range []string{ends.ID, ends.ID, stays.ID, ""} {
		b.AddFamily(t, b.tenant, b.user.ID, session)
	}
	b.end(t, ends.ID)
	b.wantGone(t, ends.ID, "secret", nine)
	b.wantAlive(t, stays.ID, nine)
	b.wantFamilies(t, 2)
	b.wantEvents(t, 3)
}

func endsAll(t *testing.T, b *bench) {
	first, second := b.signIn(t, nine), b.signIn(t, nine)
	for _, session := range []string{first.ID, second.ID, ""} {
		b.AddFamily(t, b.tenant, b.user.ID, session)
	}
	b.end(t, "")
	b.wantGone(t, first.ID, "secret", nine)
	b.wantGone(t, second.ID, "secret", nine)
	b.wantFamilies(t, 0)
	b.wantSessions(t, 0)
	b.wantAlive(t, b.signIn(t, nine.Add(2*time.Hour)).ID, nine.Add(2*time.Hour))
}

func endsOther(t *testing.T, b *bench) {
	s := b.signIn(t, nine)
	b.AddFamily(t, b.tenant, b.user.ID, s.ID)
	other := b.addUser(t, "Mia")
	for _, id := range []string{s.ID, ""} {
		if err := b.EndSessions(t.Context(), b.tenant, other.ID, id, nine, b.event()); err != nil {
			t.Fatalf("EndSessions: %v", err)
		}
	}
	b.wantAlive(t, s.ID, nine)
	b.wantFamilies(t, 1)
}

func endsWithEvent(t *testing.T, b *bench) {
	s := b.signIn(t, nine)
	b.AddFamily(t, b.tenant, b.user.ID, s.ID)
	for _, id := range []string{s.ID, ""} {
		if err := b.EndSessions(t.Context(), b.tenant, b.user.ID, id, nine.Add(time.Hour), b.broken()); err == nil {
			t.Error("EndSessions succeeded without its event")
		}
	}
	b.wantAlive(t, s.ID, nine)
	b.wantFamilies(t, 1)
}
