package tap

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/audit"
)

func TestCourse(t *testing.T) {
	at := func(minutes int) time.Time { return nine.Add(time.Duration(minutes) * time.Minute) }
	change := func(minutes int, pass, activity, reason string) audit.Event {
		return audit.Event{At: at(minutes), Change: &audit.Change{
			Activity: activity, ResultReason: reason, Details: []audit.KeyValue{{Key: "temporaryAccessPassMethodId", Value: pass}},
		}}
	}
	try := func(minutes, code int, pass string) audit.Event {
		return audit.Event{At: at(minutes), SignIn: &audit.SignIn{Interactive: true, ErrorCode: code, PassID: pass}}
	}
	issued := change(0, "p", audit.AdminRegisteredSecurityInfo, audit.ReasonAdminRegisteredPass)
	fresh := Pass{ID: "p", CreatedAt: nine, Start: nine, Lifetime: time.Hour, SingleUse: true}
	used, multi, held := fresh, fresh, fresh
	used.UsedAt = at(4)
	multi.SingleUse, multi.UsedAt = false, at(4)
	held.ReservedFor, held.ReservedUntil = "other", at(12)
	for _, c := range []struct {
		name   string
		pass   *Pass
		events []audit.Event
		want   Course // Used is compared by being there
	}{
		{"just issued", &fresh, []audit.Event{issued}, Course{IssuedAt: nine}},
		{"tried, before it was there too", &fresh, []audit.Event{try(-1, 130503, ""), issued, try(1, 130503, ""), try(2, 130505, ""), try(3, 50126, "")}, Course{IssuedAt: nine, Tries: 2, TriedAt: at(2)}},
		{"typed right and not finished", &held, []audit.Event{issued}, Course{IssuedAt: nine, HeldTill: at(12)}},
		{"used", &used, []audit.Event{issued, try(4, 0, "p"), try(5, 0, "p")}, Course{IssuedAt: nine, UsedAt: at(4), Used: &audit.SignIn{}, EndedAt: at(4), End: EndUsed}},
		{"used, and the log is not read far enough", &used, nil, Course{IssuedAt: nine, UsedAt: at(4), EndedAt: at(4), End: EndUsed}},
		{"used, for many uses", &multi, []audit.Event{issued, try(4, 0, "p")}, Course{IssuedAt: nine, UsedAt: at(4), Used: &audit.SignIn{}}},
		{"another pass was used", &fresh, []audit.Event{issued, try(4, 0, "q")}, Course{IssuedAt: nine}},
		{"taken back", nil, []audit.Event{issued, change(9, "p", audit.AdminDeletedSecurityInfo, audit.ReasonAdminDeletedPass), try(10, 130507, "")}, Course{IssuedAt: nine, EndedAt: at(9), End: EndRemoved}},
		{"a method that came from it was removed", &fresh, []audit.Event{issued, change(9, "p", audit.AdminDeletedSecurityInfo, "Admin deleted something else")}, Course{IssuedAt: nine}},
		{"replaced", nil, []audit.Event{issued, change(7, "q", audit.AdminRegisteredSecurityInfo, audit.ReasonAdminRegisteredPass)}, Course{IssuedAt: nine, EndedAt: at(7), End: EndReplaced}},
		{"ended unused, and cleaned up", nil, []audit.Event{issued, change(60, "p", audit.PassExpired, "")}, Course{IssuedAt: nine, EndedAt: at(60), End: EndExpired}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := CourseOf("p", c.pass, c.events, at(10))
			if (got.Used == nil) != (c.want.Used == nil) {
				t.Errorf("used on %+v", got.Used)
			}
			got.Used, c.want.Used = nil, nil
			if got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
	if late := CourseOf("p", &fresh, nil, at(60)); late.End != EndExpired || !late.EndedAt.Equal(at(60)) {
		t.Errorf("at its end: %+v", late)
	}
}
