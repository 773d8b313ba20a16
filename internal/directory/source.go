package directory

import "github.com/postern-id/postern/internal/fault"

// A Source says where an account comes from: empty for one that was made here, [SourceLocal],
// [SourceImport], or what [SourceApp] makes. An account of another directory has
// OnPremisesSyncEnabled, too.
type Source string

// The sources that are no application.
const (
	// SourceLocal is an account that came from elsewhere and was taken over: its old source can't change it any more.
	SourceLocal  Source = "local"
	SourceImport Source = "import" // a file of the personnel department
)

// SourceApp is the source of what an application provisions.
func SourceApp(id AppID) Source { return Source("scim:" + string(id)) }

// Faults of sources.
var (
	ErrExternalIDTaken = &fault.Error{
		Kind: fault.Conflict, Code: "externalIdTaken", Target: "externalId",
		Text: "Another object has this externalId.", Remedy: "Find it by a filter on externalId, and change it.",
	}
	ErrSourceLocal = &fault.Error{
		Kind: fault.Forbidden, Code: "sourceLocal",
		Text: "This account is managed here now, no longer by its former source.", Remedy: "An administrator can hand it back: onPremisesSyncBehavior.",
	}
	ErrSourceOther = &fault.Error{
		Kind: fault.Forbidden, Code: "sourceOther",
		Text: "This account comes from another source, which alone keeps it up to date.", Remedy: "An administrator can take it over: onPremisesSyncBehavior.",
	}
)

// Claim returns the source of an account that has s once by has changed it, or why by may not.
func (s Source) Claim(by Source) (Source, error) {
	switch {
	case s == SourceLocal && by != "":
		return s, ErrSourceLocal
	case s == "" || by == "" || s == by:
		if s == "" {
			return by, nil
		}
		return s, nil
	}
	return s, ErrSourceOther
}

// ManagedHere reports whether no source keeps u up to date.
func (u User) ManagedHere() bool {
	return (u.Source == "" || u.Source == SourceLocal) && !u.OnPremisesSyncEnabled
}

// Managed returns u managed here, or free to be claimed by a source.
func (u User) Managed(here bool) User {
	switch {
	case here && !u.ManagedHere():
		u.Source, u.OnPremisesSyncEnabled = SourceLocal, false
	case !here && u.Source == SourceLocal:
		u.Source = ""
	}
	return u
}
