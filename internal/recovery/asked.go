package recovery

import "time"

// OnFile reports whether a property of the person is there and has been the same for as long as
// policy asks.
func (s Subject) OnFile(property string, p Policy, now time.Time) bool {
	return s.onFile(property, p, now)
}
