package tap

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

func TestAPassStopsWhenNobodyStandsBehindItAnyMore(t *testing.T) {
	const day = 24 * time.Hour
	person, app := Issuer{User: "agent", App: "console"}, Issuer{App: "hr"}
	workflow := Issuer{DisplayName: "Lifecycle Workflows"}
	there := Backing{Power: directory.PowerNone, Holds: true}
	off := Backing{Power: directory.PowerNone, Off: true}
	moved := Backing{Power: directory.PowerNone}
	rose, roseReached := Backing{Power: directory.PowerGreat}, Backing{Power: directory.PowerGreat, Holds: true}
	some := Backing{Power: directory.PowerSome}
	for _, c := range []struct {
		name string
		pass Pass
		now  Backing
		age  time.Duration
		want Stop
	}{
		{"all as it was", Pass{Issuer: person, Power: directory.PowerNone}, there, 365 * day, ""},
		{"the issuer is off, a minute later", Pass{Issuer: person, Power: directory.PowerNone}, off, time.Minute, StopGone},
		{"the issuer is off, and it was used", Pass{Issuer: person, Power: directory.PowerNone, UsedAt: nine}, off, day, ""},
		{"the issuer has moved, within the month", Pass{Issuer: person, Power: directory.PowerNone}, moved, 30 * day, ""},
		{"the issuer has moved, after the month", Pass{Issuer: person, Power: directory.PowerNone}, moved, 30*day + 1, StopMoved},
		{"the issuer has moved, after the month, and it was used", Pass{Issuer: person, Power: directory.PowerNone, UsedAt: nine}, moved, 31 * day, ""},
		{"the application is gone", Pass{Issuer: app, Power: directory.PowerNone}, off, time.Minute, StopGone},
		{"the application may no more, after the month", Pass{Issuer: app, Power: directory.PowerNone}, moved, 31 * day, StopMoved},
		{"a workflow has no issuer", Pass{Issuer: workflow, Power: directory.PowerNone}, moved, 365 * day, ""},

		{"the owner rose out of reach", Pass{Issuer: person, Power: directory.PowerNone}, rose, time.Minute, StopOwner},
		{"the owner rose, and it was used", Pass{Issuer: person, Power: directory.PowerNone, UsedAt: nine}, rose, time.Minute, StopOwner},
		{"the owner rose within reach", Pass{Issuer: person, Power: directory.PowerNone}, roseReached, time.Minute, ""},
		{"the owner rose a little, out of reach", Pass{Issuer: app, Power: directory.PowerNone}, some, time.Minute, StopOwner},
		{"the owner was as strong, and the issuer moved", Pass{Issuer: person, Power: directory.PowerGreat}, rose, day, ""},
		{"the owner lost power", Pass{Issuer: person, Power: directory.PowerGreat}, there, day, ""},
		{"the owner rose after a workflow", Pass{Issuer: workflow, Power: directory.PowerNone}, roseReached, time.Minute, StopOwner},
		{"the owner rose after a case", Pass{Issuer: person, Power: directory.PowerNone, Case: "case"}, roseReached, time.Minute, StopOwner},
		{"a case of somebody as strong", Pass{Issuer: workflow, Power: directory.PowerGreat, Case: "case"}, rose, time.Minute, ""},
		{"the pass of the machine's owner", Pass{Bootstrap: true, Issuer: workflow}, rose, 365 * day, ""},

		{"of an earlier version, to who has power out of reach", Pass{Issuer: person}, rose, time.Minute, StopOwner},
		{"of an earlier version, to who has power within reach", Pass{Issuer: person}, roseReached, time.Minute, ""},
		{"of an earlier version, by a case", Pass{Issuer: workflow, Case: "case"}, rose, time.Minute, ""},
		{"of an earlier version, by a workflow", Pass{Issuer: workflow}, some, time.Minute, StopOwner},
	} {
		p := c.pass
		p.CreatedAt = nine
		got := p.Stop(c.now, nine.Add(c.age))
		if got != c.want || (got.Fault() == nil) != (c.want == "") {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}
