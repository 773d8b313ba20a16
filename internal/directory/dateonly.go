package directory

import "time"

// DateOnly reports whether t, of a property such as employeeHireDate, is a date without a time: Graph, SCIM and
// files of people keep one as midnight in UTC, and it means that day wherever somebody is.
func DateOnly(t time.Time) bool {
	return !t.IsZero() && t.Equal(t.UTC().Truncate(24*time.Hour))
}
