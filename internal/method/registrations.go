package method

import (
	"context"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// A Registration is what one person has registered, with what decides about its use.
type Registration struct {
	Credentials         []Credential
	PIN                 bool // on any device
	Pass                bool // that is neither used up nor over
	Groups              map[directory.GroupID]bool
	Roles               []directory.RoleID // held directly or through groups
	RoleAssignableGroup bool               // member or owner of one, which protects
}

// Unreadable reports whether a method in r can't be read as it is stored. It counts as one that is there
// where having one decides, and as none where using it does.
func (r Registration) Unreadable() bool {
	return slices.ContainsFunc(r.Credentials, func(c Credential) bool { return c.Unreadable })
}

// Registrations reads what many people have at once.
type Registrations interface {
	// RegistrationsOf returns what each of at most MostAtOnce people has at a moment. Who is not
	// there has nothing. What can't be read is there, marked, and hides nothing of what can.
	RegistrationsOf(ctx context.Context, tenant directory.TenantID, users []directory.UserID, at time.Time) (map[directory.UserID]Registration, error)
}

// MostAtOnce bounds what RegistrationsOf is asked for.
const MostAtOnce = 200
