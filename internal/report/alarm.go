package report

import (
	"sort"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
)

// AlarmJob is the kind of job that tells who keeps a tenant that passes are refused. Its key is the
// hour, so that somebody who tries everybody's pass causes one letter an hour and not one for each.
const AlarmJob = "report.refusedPasses"

// alarmFresh is how old refusals may be when they are counted: a log that is counted anew alarms nobody.
const alarmFresh = 24 * time.Hour

// An Alarm says that passes of somebody were refused often, in a row.
type Alarm struct {
	User string
	N    int       // tries in a row
	At   time.Time // of the last of them
}

// Hour is the key of the job that tells of a.
func (a Alarm) Hour() string { return a.At.UTC().Format("2006-01-02T15") }

// Event is what the log says of a.
func (a Alarm) Event(tenant string, now time.Time) audit.Event {
	return audit.Event{Tenant: tenant, ID: uuid.NewString(), At: now, CorrelationID: uuid.NewString(), Change: &audit.Change{
		Activity: audit.PassesRefused, Category: audit.CategoryUserManagement, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
		Result: audit.Success, By: audit.Actor{App: &audit.AppActor{DisplayName: "Postern alarms"}},
		Targets: []audit.Target{{ID: a.User, Type: audit.TargetUser}}, Details: []audit.KeyValue{{Key: "tries", Value: strconv.Itoa(a.N)}},
	}}
}

// Alarms returns for whom refusals became many between before and after, by id.
func Alarms(before, after map[string]Person, now time.Time) []Alarm {
	var all []Alarm
	for user, p := range after {
		if at := p.AlarmAt(); !at.IsZero() && before[user].AlarmAt().IsZero() && now.Sub(at) <= alarmFresh {
			all = append(all, Alarm{User: user, N: p.Refused, At: at})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].User < all[j].User })
	return all
}
