package tap

import (
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// A Preset is what a pass is for, in the words of who issues it. It sets lifetime, use and
// start as far as the policy allows, and only where nothing else was asked for.
type Preset string

// The presets; docs/passes.md says why they are as they are.
const (
	RecoverDevice Preset = "recoverDevice" // the person is on the phone now
	NewDevice     Preset = "newDevice"     // set-up may restart the device and ask again
	NewEmployee   Preset = "newEmployee"   // waits for the first day
)

// Presets are all of them, the most frequent first.
var Presets = []Preset{RecoverDevice, NewDevice, NewEmployee}

// ErrPreset says that there is no such preset.
var ErrPreset = &fault.Error{
	Kind: fault.Invalid, Code: "tapPreset", Target: "postern_preset",
	Text: "There is no such preset.", Remedy: "Use recoverDevice, newDevice or newEmployee.",
}

// The first day at work, in the tenant's time zone.
const (
	workBegins = 8 // o'clock
	workEnds   = 18
)

// Fill returns r with what it leaves open set for p: within policy, at now.
func (p Preset) Fill(policy Policy, r Request, now time.Time) (Request, error) {
	var minutes int
	once := true
	switch p {
	case "":
		return r, nil
	case RecoverDevice:
		minutes = 60
	case NewDevice:
		minutes, once = 4*60, policy.UsableOnce
	case NewEmployee:
		minutes = (workEnds - workBegins) * 60
		if r.Start.IsZero() {
			r.Start = firstDay(r.User.EmployeeHireDate, now, r.Tenant.Location())
		}
	default:
		return r, ErrPreset.With("", fmt.Sprintf("There is no preset %.40q.", string(p)))
	}
	if r.Lifetime == nil {
		minutes = min(max(minutes, policy.MinimumLifetime), policy.MaximumLifetime)
		r.Lifetime = &minutes
	}
	if r.Once == nil {
		r.Once = &once
	}
	return r, nil
}

// firstDay is when work begins on the day of hiring, or if that is not known, gone, or too far
// ahead for a pass, on the next day on which it is still to begin.
func firstDay(hired, now time.Time, zone *time.Location) time.Time {
	day := now.In(zone)
	if hired.After(now) && hired.Before(now.Add(furthestStart)) {
		day = hired.UTC() // Graph keeps a date as midnight in UTC
	}
	at := WorkBegins(day, zone)
	if at.Before(now) {
		at = WorkBegins(day.AddDate(0, 0, 1), zone)
	}
	return at
}

// WorkBegins is when work begins on a day, which is read as it is written, in zone.
func WorkBegins(day time.Time, zone *time.Location) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), workBegins, 0, 0, 0, zone).UTC()
}
